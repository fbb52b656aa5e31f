"""Masks drawn when instances are read, instead of copies of the data with other masks (RoBERTa's dynamic masking).

The mask of a record follows from (seed, epoch, number of the record) and nothing else, so training that goes on at any step
needs nothing of what came before. What is masked is as in Google's create_pretraining_data.py: a share of the tokens,
80 % of them shown as [MASK], 10 % as they are and 10 % as any token; with whole words, all pieces of a word or none.
"""

from typing import NamedTuple

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.files import read_json


class Masking(NamedTuple):
    """What schema.json says under "masking"."""

    max_predictions_per_seq: int
    masked_lm_prob: float
    do_whole_word_mask: bool
    vocab_size: int
    mask_id: int


def masking_of(schema_file):
    """The Masking that a schema.json asks for, or None where the instances are masked already."""
    found = read_json(schema_file).get("masking")
    if found is None:
        return None
    try:
        return Masking(**found)
    except TypeError as error:
        raise BadInput(f"{schema_file} says under masking what cannot be understood ({error}): make it with "
                       "`dump2bert schema`") from error


def unmasked_columns(masking):
    """The columns of the records (they are described in pretraining.examples.unmasked_columns)."""
    return ("input_ids", "segment_lengths", "next_sentence_labels", *["word_pieces"] * masking.do_whole_word_mask)


def masked(batch, numbers, masking, seed, epoch):
    """Google's seven columns, as Records.batch gives them, of a batch of unmasked records.

    numbers: those of the records.
    """
    ids = batch["input_ids"]
    rows, length = ids.shape
    places = np.arange(length)
    first, second = batch["segment_lengths"][:, :1], batch["segment_lengths"][:, 1:]
    end = first + second
    candidate = (places > 0) & (places < end - 1) & (places != first - 1)    # neither [CLS], [SEP] nor padding
    # np.rint rounds half to even, as Python does.
    wanted = np.clip(np.rint(end[:, 0] * masking.masked_lm_prob), 1, masking.max_predictions_per_seq).astype(int)
    keys, choices, replacements = draws(numbers, length, seed, epoch)
    if masking.do_whole_word_mask:
        chosen = np.array([whole_words(*row) for row in zip(candidate, batch["word_pieces"], keys, wanted)])
    else:
        turns = np.argsort(np.where(candidate, keys, 2), axis=1, kind="stable")
        chosen = np.zeros(ids.shape, bool)
        np.put_along_axis(chosen, turns, places < wanted[:, None], axis=1)
        chosen &= candidate
    random_ids = (replacements * masking.vocab_size).astype(ids.dtype)
    shown = np.where(choices < 0.8, masking.mask_id, np.where(choices < 0.9, ids, random_ids))

    positions = np.argsort(~chosen, axis=1, kind="stable")[:, :masking.max_predictions_per_seq]    # ascending
    weights = np.take_along_axis(chosen, positions, axis=1)
    return {
        "input_ids": np.where(chosen, shown, ids).astype(np.int32),
        "input_mask": (places < end).astype(np.int32),
        "segment_ids": ((places >= first) & (places < end)).astype(np.int32),
        "next_sentence_labels": batch["next_sentence_labels"],
        "masked_lm_positions": (positions * weights).astype(np.int32),
        "masked_lm_ids": (np.take_along_axis(ids, positions, axis=1) * weights).astype(np.int32),
        "masked_lm_weights": weights.astype(np.float32),
    }


def draws(numbers, length, seed, epoch):
    """Three arrays [records, length] of fractions: which come first, what is done with them, what replaces them."""
    found = [np.random.Generator(np.random.Philox(key=[seed, epoch], counter=[0, 0, 0, number])).random((3, length))
             for number in numbers.tolist()]
    return np.moveaxis(np.array(found), 0, 1)


def whole_words(candidate, word_pieces, keys, wanted):
    """Which positions of an instance [length] to mask: words by the order of their keys, none that would be too much.

    The second span may begin within a word, if its front was cut off; such pieces join the first span's last word.
    """
    positions = np.flatnonzero(candidate)
    begins = word_pieces[positions] == 0
    begins[:1] = True
    words = np.split(positions, np.flatnonzero(begins)[1:])
    chosen, count = np.zeros(len(candidate), bool), 0
    for word in np.argsort(keys[:len(words)]).tolist():
        if count + len(words[word]) <= wanted:
            chosen[words[word]] = True
            count += len(words[word])
            if count == wanted:
                break
    return chosen
