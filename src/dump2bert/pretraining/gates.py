"""Whether pretraining data are worth training on, by what statistics.json says of them (see dump2bert.gates)."""

import math
from collections import defaultdict
from typing import NamedTuple

from dump2bert.errors import BadInput
from dump2bert.files import sha256_of
from dump2bert.gates import check_sentences, check_share, passed, refuse

BEYOND_CHANCE = 3    # standard errors


class Gates(NamedTuple):
    """Limits of the pretraining data; what they mean stands in config.py."""

    min_sentences_per_document: float
    min_documents: int
    max_unknown_rate: float
    max_nsp_majority: float
    max_mask_factor: float
    max_padding_rate: float


def check_data(where, statistics, gates):
    """BadInput for the first gate that the numbers of `statistics` (of `dump2bert pretraining_data`) do not pass.

    where: the file that holds them. A number that is not there is not looked at.
    """
    documents, sentences = statistics.get("documents"), statistics.get("sentences")
    if documents is not None:
        if documents < gates.min_documents:
            refuse(where, f"the data come from {documents} document(s)",
                   "next sentence prediction takes its random sentences from other documents, so at least two are "
                   "needed; a blank line stands between documents", min_documents=documents)
        if sentences is not None:
            check_sentences(where, documents, sentences, gates.min_sentences_per_document)
    if "unknown_rate" in statistics:
        check_share(where, "unknown tokens ([UNK]) are", statistics["unknown_rate"], gates.max_unknown_rate,
                    "the vocabulary does not fit the text: is it one of this language, and is do_lower_case right?",
                    "max_unknown_rate")
    if "random_next_rate" in statistics:
        check_nsp(where, statistics["random_next_rate"], statistics["instances"], gates.max_nsp_majority)
    if statistics.get("masked_lm_prob") and "mask_rate" in statistics:
        check_mask_rate(where, statistics, gates.max_mask_factor)
    if "padding_rate" in statistics:
        check_share(where, "padding is", statistics["padding_rate"], gates.max_padding_rate,
                    f"the documents are much shorter than max_seq_length {statistics.get('max_seq_length')}: a smaller "
                    "one makes training faster", "max_padding_rate")


def check_nsp(where, random_next_rate, instances, limit):
    """One answer of next sentence prediction may be the commoner one, but not all but always. Small data may be so by
    chance."""
    majority = max(random_next_rate, 1 - random_next_rate)
    if majority > limit + BEYOND_CHANCE * math.sqrt(limit * (1 - limit) / max(instances, 1)):
        answer = "random" if random_next_rate > 0.5 else "not random"
        check_share(where, f"of {instances} next sentences those that are {answer} are", majority, limit,
                    "half is meant: with documents of one sentence, or sentences as long as max_seq_length, the next "
                    "sentence is always a random one", "max_nsp_majority")


def check_mask_rate(where, statistics, factor):
    """masked_lm_prob is what is meant; max_predictions_per_seq cuts it, and every instance has one prediction."""
    meant, found = statistics["masked_lm_prob"], statistics["mask_rate"]
    apart = max(found / meant, meant / found if found else math.inf)
    if apart > factor:
        why = (f"max_predictions_per_seq {statistics.get('max_predictions_per_seq')} is too small for max_seq_length "
               f"{statistics.get('max_seq_length')}" if found < meant else "the instances are so short that one prediction "
               "each is too many")
        refuse(where, f"{found:.1%} of the tokens are to be predicted, where masked_lm_prob means {meant:.1%}", why,
               max_mask_factor=passed(apart, 1))


def check_shards(shards, accept_equal_shards):
    """BadInput where two of the TFRecord files hold the same bytes. Only files of one size are read."""
    if accept_equal_shards:
        return
    of_size = defaultdict(list)
    for path in shards:
        of_size[path.stat().st_size].append(path)
    for alike in of_size.values():
        seen = {}
        for path in alike if len(alike) > 1 else []:
            digest = sha256_of(path)
            if digest in seen:
                raise BadInput(f"{path} and {seen[digest]} are the same, so their records would be trained on twice: "
                               "take one away, or make the data again. If it is meant, say `gates: "
                               "{accept_equal_shards: true}` in the configuration (--accept_equal_shards true on the command line)")
            seen[digest] = path
