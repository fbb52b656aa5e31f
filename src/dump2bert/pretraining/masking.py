"""The masked language model's task: which tokens to predict, and what to show in their place.

Of the tokens to predict 80 % are shown as [MASK], 10 % as they are and 10 % as a random one, so that the network cannot
rely on what it sees in any place (Devlin et al. 2019, section 3.1 and appendix A.1). The draws are in the order of
Google's create_pretraining_data.py.
"""

from typing import NamedTuple


class MaskVocabulary(NamedTuple):
    """What masking needs to know of a vocabulary."""

    size: int
    cls: int
    sep: int
    mask: int
    continuing: frozenset    # ids of the pieces that go on with a word: ##...

    @classmethod
    def of(cls, vocabulary):
        """From {piece: id}."""
        continuing = frozenset(i for piece, i in vocabulary.items() if piece.startswith("##"))
        return cls(len(vocabulary), vocabulary["[CLS]"], vocabulary["[SEP]"], vocabulary["[MASK]"], continuing)


def mask_tokens(tokens, options, vocabulary, rng):
    """(tokens with masks, positions of the predictions in ascending order, the tokens that stood there)."""
    units = maskable_units(tokens, options.do_whole_word_mask, vocabulary)
    in_random_order = shuffled(units, rng) if options.mode == "google" else drawn_one_by_one(units, rng)
    wanted = number_of_predictions(len(tokens), options)
    masked, positions = list(tokens), []
    while len(positions) < wanted and (unit := next(in_random_order, None)):
        if len(positions) + len(unit) > wanted:
            continue    # a word with more pieces than may still be masked; a shorter one may come
        for position in unit:
            masked[position] = shown_instead(tokens[position], vocabulary, rng)
            positions.append(position)
    positions.sort()
    return masked, positions, [tokens[position] for position in positions]


def shuffled(units, rng):
    """All of them are shuffled before the first is used: Google's order of draws."""
    rng.shuffle(units)
    return iter(units)


def drawn_one_by_one(units, rng):
    """The same distribution with fewer draws, since most units are never used."""
    for turn in range(len(units)):
        other = rng.randint(turn, len(units) - 1)
        units[turn], units[other] = units[other], units[turn]
        yield units[turn]


def maskable_units(tokens, do_whole_word_mask, vocabulary):
    """Lists of positions that are masked together: single tokens, or words of several pieces. Never [CLS] and [SEP].

    The second span may begin within a word, if its front was cut off; such pieces join the first span's last word.
    """
    units = []
    for position, token in enumerate(tokens):
        if token == vocabulary.cls or token == vocabulary.sep:
            continue
        if do_whole_word_mask and units and token in vocabulary.continuing:
            units[-1].append(position)
        else:
            units.append([position])
    return units


def number_of_predictions(length, options):
    """masked_lm_prob of an instance of `length` tokens, [CLS] and [SEP] counted, rounded half to even; at least one."""
    return min(options.max_predictions_per_seq, max(1, round(length * options.masked_lm_prob)))


def shown_instead(token, vocabulary, rng):
    """[MASK], the token itself or any token of the vocabulary (special ones too), by 80, 10 and 10 %."""
    if rng.random() < 0.8:
        return vocabulary.mask
    if rng.random() < 0.5:
        return token
    return rng.randint(0, vocabulary.size - 1)
