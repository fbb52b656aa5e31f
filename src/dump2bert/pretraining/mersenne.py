"""CPython's random.Random as kernels: the same seed gives the same numbers, draw for draw.

Random is the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998); how numbers below a bound, fractions and shuffles are
made of its 32-bit words is as in CPython 3.2 to 3.14 (Modules/_randommodule.c, Lib/random.py).

A twister is an array of 1249 uint32: 624 words to hand out, 624 words of state, and how many have been handed out.
"""

import random as python_random

import numpy as np

from dump2bert.pretraining.compiled import inlined, kernel

N, M = 624, 397
POSITION = 2 * N
UPPER, LOWER, TWIST, ONE = np.uint32(0x80000000), np.uint32(0x7FFFFFFF), np.uint32(0x9908B0DF), np.uint32(1)


def twister(seed):
    """The twister in the state of random.Random(seed); seed: int or str."""
    _, words, _ = python_random.Random(seed).getstate()
    state = np.zeros(2 * N + 1, np.uint32)
    state[N:2 * N] = words[:N]
    state[POSITION] = N
    return state


@inlined
def twist(rng, first, last, distance):
    """Renew words first to last - 1 of the state, each from the one behind it and one that is `distance` away."""
    for i in range(N + first, N + last):
        # numba computes in 64 bits unless told otherwise, half as many words at a time.
        word = np.uint32((rng[i] & UPPER) | (rng[i + 1] & LOWER))
        is_odd = np.uint32(np.uint32(0) - np.uint32(word & ONE))
        rng[i] = np.uint32(rng[i + distance] ^ np.uint32(word >> ONE) ^ np.uint32(TWIST & is_odd))


@kernel
def refill(rng):
    """The next 624 words. (In stretches without wrapping round, which can be done several words at a time.)"""
    twist(rng, 0, N - M, M)
    twist(rng, N - M, N - 1, M - N)
    rng[2 * N] = rng[N]    # the last one's follower is the first: the place of POSITION is free just now
    twist(rng, N - 1, N, M - N)
    for i in range(N):
        word = rng[N + i]
        word = np.uint32(word ^ np.uint32(word >> np.uint32(11)))
        word = np.uint32(word ^ np.uint32((word << np.uint32(7)) & np.uint32(0x9D2C5680)))
        word = np.uint32(word ^ np.uint32((word << np.uint32(15)) & np.uint32(0xEFC60000)))
        rng[i] = np.uint32(word ^ np.uint32(word >> np.uint32(18)))
    rng[POSITION] = 0


@inlined
def next_word(rng):
    """getrandbits(32), as int64."""
    if rng[POSITION] == N:
        refill(rng)
    position = np.int64(rng[POSITION])
    rng[POSITION] = position + 1
    return np.int64(rng[position])


@inlined
def fraction(rng):
    """random(): a float from [0, 1) with 53 random bits."""
    high = next_word(rng) >> 5
    low = next_word(rng) >> 6
    return (high * 67108864.0 + low) * (1.0 / 9007199254740992.0)


@inlined
def bit_length(n):
    bits = 0
    while n:
        n >>= 1
        bits += 1
    return bits


@inlined
def below(rng, n):
    """randrange(n): from 0 to n - 1; n from 1 to 2**32 - 1."""
    shift = 32 - bit_length(n)
    while True:
        drawn = next_word(rng) >> shift
        if drawn < n:
            return drawn


@inlined
def from_to(rng, first, last):
    """randint(first, last): both ends included."""
    return first + below(rng, last - first + 1)


@kernel
def shuffle(rng, items, count):
    """shuffle(items[:count]) in place: Fisher-Yates from the end on.

    A draw is rejected now and then, and no processor can foresee when. So a rejected one swaps an item with itself and
    does not step on, which needs no branch.
    """
    last = count - 1
    while last > 0:
        bits = bit_length(last + 1)
        shift = np.uint32(32 - bits)
        same_bits = max((1 << (bits - 1)) - 1, 1)    # down to here as many bits are drawn
        while last >= same_bits:
            if rng[POSITION] == N:
                refill(rng)
            position = np.int64(rng[POSITION])
            # Each draw steps on by one at most, so this many can be used up without asking.
            enough = min(N, position + last - same_bits + 1)
            while position < enough:
                drawn = np.int64(rng[position] >> shift)
                position += 1
                accepted = np.int64(drawn <= last)
                other = last + (drawn - last) * accepted
                items[last], items[other] = items[other], items[last]
                last -= accepted
            rng[POSITION] = position
