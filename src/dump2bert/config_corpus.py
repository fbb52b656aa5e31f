"""The sections of the configuration (config.py) about the corpus: the sample world, sources, cleaning, splitting, gates."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from dump2bert.option_types import Count, Name, Places, Positive, Probability, Section, Sha256, number


def language_code(value):
    if not re.fullmatch("simple|[a-z]{2,3}(-[a-z]{2,8})*", value):
        raise ValueError(f"{value!r} is no language code, as zh, en, uk and zh-yue are")
    return value


class Sample(Section):
    """The sample world: a small encyclopedia of invented places and people, and task data about it."""

    seed: int = 1
    """The world is a function of it."""
    articles: Annotated[int, Field(ge=100)] = 1500
    """Articles in the export; every kind of thing needs a few."""
    records: Positive = 1500
    """Training records of each task; the dev sets have a fifth of it."""


class Fetched(Section):
    """Options of anything that comes from outside."""

    sha256: Sha256 | None = None
    """SHA-256 that the download must have."""
    sums_url: str | None = None
    """Address of the mirror's own sums file (md5, sha1 or sha256, told by their length)."""
    member: str | None = None
    """The member to pick when the download is a zip or tar archive."""


class Source(Fetched):
    """One source of text: a dump or a plain text, by path, by address (several: mirrors, tried in order) or
    `sample:FILE` for a file of the sample world."""

    dump: Places | None = None
    """A MediaWiki XML export (.xml, .xml.bz2, .xml.gz)."""
    index: Places | None = None
    """The index of a multistream dump, by path or address: the dump is cut into extract.parts parts, which are extracted
    and cleaned side by side. sums_url is that of the index, too."""
    text: Places | None = None
    """A UTF-8 text, one sentence a line, a blank line between documents."""

    @model_validator(mode="after")
    def has_one_place(self):
        if (self.dump is None) == (self.text is None):
            raise ValueError("a source has either `dump` or `text`")
        if self.index and not self.dump:
            raise ValueError("`index` is that of a multistream `dump`, and there is none")
        return self

    @property
    def places(self):
        return self.dump or self.text


class Corpus(Section):
    """Where the text comes from."""

    language: Annotated[str, AfterValidator(language_code)] = "zh"
    """Language code (zh, en, ja, vi, ...), the first part of the wiki's address: rules for sentences and scripts follow from it."""
    sources: dict[Name, Source] = {}
    """The sources by name; the names become file names."""


class Extract(Section):
    """WikiExtractor's options."""

    processes: Positive = 2
    """Processes of WikiExtractor. The result does not depend on it."""
    parts: Annotated[int, Field(gt=0, le=500)] = 100
    """Parts of a multistream dump (a source with an `index`), three jobs each. The result does not depend on it."""
    cut_off: Literal["error", "accept"] = "error"
    """A dump that ends early, without its closing </mediawiki>: an error, or its whole pages are taken."""


class Clean(Section):
    """From articles to sentences."""

    variant: Literal["none", "simplified", "traditional"] = "none"
    """Script to convert Chinese to; text of other languages stays as it is."""


class Split(Section):
    """Which documents are no text, which are duplicates, and which of the rest are kept out of training. What was dropped
    is counted and sampled in corpus/statistics.json and on the report's page."""

    held_out: Annotated[float, BeforeValidator(number), Field(gt=0, lt=1)] = 0.02
    """Share of the documents held out for pretrain_eval, chosen by a hash of their text; at least one (two of four)."""
    near_duplicate: Annotated[float, BeforeValidator(number), Field(ge=0.3, le=1)] = 0.8
    """A document is dropped that is as similar to an earlier one (estimated Jaccard similarity of their runs of 8
    characters); 1: only one with the same text."""
    min_characters: Count = 20
    """A shorter document is dropped; 0: none."""
    min_script_share: Probability = 0.2
    """A document is dropped with a smaller share of its letters in the language's script; 0: none."""
    max_digit_share: Probability = 0.4
    """A document is dropped with a larger share of digits among letters and digits: a table of numbers; 1: none."""
    max_list_share: Probability = 0.8
    """A document is dropped with a larger share of its lines short and without a closing mark: a list; 1: none."""


class CorpusGates(Section):
    """What stops `split`: numbers of the corpus that hint at an error."""

    min_sentences_per_document: Annotated[float, BeforeValidator(number), Field(ge=1)] = 1.1
    """A source whose documents have fewer sentences on average (a blank line after every sentence?); 1: none."""
    max_dropped_share: Probability = 0.5
    """A larger share of all documents dropped as no text (the wrong language?)."""
    max_duplicate_share: Probability = 0.5
    """A larger share of all documents dropped as equal or nearly equal to another (one text given twice?)."""


class DataGates(Section):
    """What stops `schema`: numbers of the pretraining data that hint at an error."""

    min_documents: Positive = 2
    """Fewer documents: the random sentences of next sentence prediction come from the same one."""
    max_unknown_rate: Probability = 0.1
    """A larger share of unknown tokens (a vocabulary of another language?)."""
    max_nsp_majority: Annotated[float, BeforeValidator(number), Field(ge=0.5, le=1)] = 0.8
    """A larger share of one answer of next sentence prediction, beyond chance."""
    max_mask_factor: Annotated[float, BeforeValidator(number), Field(ge=1)] = 2.0
    """The share of masked tokens is more than this many times masked_lm_prob, or masked_lm_prob that many times it."""
    max_padding_rate: Probability = 0.8
    """A larger share of padding (max_seq_length far above the documents' lengths?)."""
    accept_equal_shards: bool = False
    """Let two shards pass that hold the same bytes."""


class Gates(CorpusGates, DataGates):
    """Numbers that a sound corpus and sound pretraining data do not have. What breaks one stops the run with a sentence
    that names the value to pass."""
