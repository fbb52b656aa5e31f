"""The sections of the configuration (config.py) about vocabulary and pretraining data.

They stand apart so that `dump2bert pretraining_data`, where tenths of a second count, loads them without the others.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from dump2bert.config_corpus import Fetched
from dump2bert.option_types import Count, Places, Positive, Probability, Section
from dump2bert.validation import merged


def spread_phase2(values):
    """A section's `phase2` says only what differs from the section itself."""
    if not isinstance(values, dict) or not isinstance(values.get("phase2"), dict):
        return values
    first = {key: value for key, value in values.items() if key != "phase2"}
    return {**first, "phase2": merged(first, values["phase2"])}


class Vocabulary(Fetched):
    """The WordPiece vocabulary: given or fetched, else trained on the corpus."""

    source: Places | None = None
    """A vocab.txt by path or address; null trains one."""
    vocab_size: Annotated[int, Field(ge=10)] = 21128
    """Size of a trained vocabulary (its upper bound)."""
    min_frequency: Positive = 2
    """A piece must occur this often to enter a trained vocabulary."""
    do_lower_case: bool = True
    """Lower-case and strip accents; holds for the vocabulary, the pretraining data and the tasks alike."""


class Instances(Section):
    """Google's create_pretraining_data (names and defaults are its own)."""

    mode: Literal["google", "fast"] = "fast"
    """google: one random stream, the very instances of Google's script, kept in memory. fast: the same distribution from
    many streams, by any number of workers, in bounded memory."""
    do_whole_word_mask: bool = False
    """Mask all pieces of a word together."""
    word_segmenter: Literal["none", "jieba"] = "none"
    """What makes words of Chinese characters for do_whole_word_mask: nothing (each is a word), or jieba. Ids stay as they
    are."""
    max_seq_length: Annotated[int, Field(ge=8)] = 128
    """Tokens of an instance, [CLS] and [SEP] included."""
    max_predictions_per_seq: Positive = 20
    """Masked tokens of an instance, at the most."""
    random_seed: int = 12345
    """Seed of all random choices."""
    dupe_factor: Positive = 10
    """How often the corpus is gone through, masked differently each time."""
    masked_lm_prob: Probability = 0.15
    """Share of tokens to mask."""
    short_seq_prob: Probability = 0.1
    """Share of documents cut to a random shorter length."""
    masking: Literal["static", "dynamic"] = "static"
    """static: masked instances, dupe_factor times. dynamic: unmasked instances, once (dupe_factor does not count), which
    pretraining masks anew in every epoch."""

    @model_validator(mode="after")
    def masks_of_google_are_static(self):
        if self.mode == "google" and self.masking == "dynamic":
            raise ValueError("masking dynamic needs mode fast: Google's script draws the masks with the instances")
        return self

    @model_validator(mode="after")
    def words_are_masked(self):
        if self.word_segmenter != "none" and not self.do_whole_word_mask:
            raise ValueError(f"word_segmenter {self.word_segmenter} says which characters do_whole_word_mask masks together, "
                             "and that is false")
        return self

    @model_validator(mode="after")
    def predictions_fit(self):
        # Google's script takes what cannot be filled, so its mode does.
        if self.mode == "fast" and self.max_predictions_per_seq > self.max_seq_length:
            raise ValueError(f"max_predictions_per_seq {self.max_predictions_per_seq} is above "
                             f"max_seq_length {self.max_seq_length}")
        return self


class Shards(Instances):
    shards: Annotated[int, Field(gt=0, le=1000)] = 8
    """TFRecord files of the training set; at least as many as devices that train."""
    jobs: Positive = 1
    """Jobs that share the writing of the training shards, on a cluster each on a machine of its own; each goes through the
    whole text. The result does not depend on it."""

    @model_validator(mode="after")
    def jobs_have_shards(self):
        if self.jobs > self.shards:
            raise ValueError(f"jobs {self.jobs} is above shards {self.shards}: each job writes at least one of them")
        return self


class PretrainingData(Shards):
    """Masked instances of the training and the held-out documents."""

    phase2: Shards | None = None
    """What differs in the data of a second phase of pretraining (longer sequences); null: there is none."""

    @model_validator(mode="before")
    @classmethod
    def spread(cls, values):
        return spread_phase2(values)


class Workers(Section):
    workers: Positive = 1
    """Threads that work side by side. The result does not depend on it."""
    jobs: Positive = 1
    """Processes, on one machine or several, that share the output files: each makes all instances and writes every
    jobs-th file, with statistics of its own, which `dump2bert join` puts together."""
    job: Count = 0
    """Number of this process, from 0."""

    @model_validator(mode="after")
    def job_is_one_of_them(self):
        if self.job >= self.jobs:
            raise ValueError(f"job {self.job} is not one of {self.jobs}, which are numbered from 0")
        return self
