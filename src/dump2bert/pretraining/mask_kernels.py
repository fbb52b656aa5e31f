"""Drawing masks, compiled: the functions of masking.py, one for one.

Positions count [CLS] first [SEP] second [SEP] from 0. A unit is what is masked together: a token, or a word.
"""

import numpy as np

from dump2bert.pretraining.compiled import inlined
from dump2bert.pretraining.mersenne import below, fraction, from_to, shuffle


@inlined
def token_at(tokens, first, first_length, second, position):
    """The unmasked token at a position that is neither [CLS] nor [SEP]."""
    if position <= first_length:
        return np.int64(tokens[first + position - 1])
    return np.int64(tokens[second + position - first_length - 2])


@inlined
def find_units(continues, first, first_length, second, second_length, whole_words, units):
    """Number of units; unit u is the candidates units[u] to units[u + 1] - 1.

    Candidates are the tokens of both spans, counted through. The second span may begin within a word, if its front was
    cut off; such pieces join the first span's last word.
    """
    count = first_length + second_length
    if not whole_words:
        for candidate in range(count + 1):
            units[candidate] = candidate
        return count
    found = 0
    for candidate in range(count):
        token = first + candidate if candidate < first_length else second + candidate - first_length
        if found == 0 or not continues[token]:
            units[found] = candidate
            found += 1
    units[found] = count
    return found


@inlined
def shown_instead(rng, token, mask, vocab_size):
    """[MASK], the token itself or any token of the vocabulary (special ones too), by 80, 10 and 10 %."""
    if fraction(rng) < 0.8:
        return mask
    if fraction(rng) < 0.5:
        return token
    return below(rng, vocab_size)


@inlined
def draw_masks(rng, corpus, first, first_length, second, second_length, wanted, options, units, turns, shown):
    """Number of predictions; shown[position]: what the network sees there, -1 where nothing is to be predicted.

    wanted: predictions at the most. options: instance_kernels.Masking. units, turns, shown: arrays to work in, of at
    least max_seq_length; shown holds -1.
    """
    count = find_units(corpus.continues, first, first_length, second, second_length, options.whole_words, units)
    for unit in range(count):
        turns[unit] = unit
    if options.shuffled:
        shuffle(rng, turns, count)
    predictions = 0
    for turn in range(count):
        if predictions >= wanted:
            break
        if not options.shuffled:
            other = from_to(rng, turn, count - 1)
            turns[turn], turns[other] = turns[other], turns[turn]
        unit = turns[turn]
        if predictions + units[unit + 1] - units[unit] > wanted:
            continue    # a word with more pieces than may still be masked; a shorter one may come
        for candidate in range(units[unit], units[unit + 1]):
            position = candidate + 1 if candidate < first_length else candidate + 2
            token = token_at(corpus.tokens, first, first_length, second, position)
            shown[position] = shown_instead(rng, token, options.mask, options.vocab_size)
            predictions += 1
    return predictions


@inlined
def collect_masks(shown, predictions, positions, replacements):
    """Write positions in ascending order and what is shown there; shown is all -1 again."""
    position = 0
    for prediction in range(predictions):
        while shown[position] < 0:
            position += 1
        positions[prediction] = position
        replacements[prediction] = shown[position]
        shown[position] = -1
