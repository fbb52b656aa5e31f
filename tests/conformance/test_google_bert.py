"""Our tokenization and instances against what Google's own scripts gave (google_bert.py says how that was found)."""

import json
import unicodedata

import pytest

from dump2bert.pretraining.fast_tokenization import FastTokenizer
from dump2bert.stages import pretraining_data
from dump2bert.tfrecord import read_records
from dump2bert.tokenization import Tokenizer, load_vocabulary
from tests.conformance.google_bert import CASES, DIGESTS, digest, digest_of_ids, tokenization_texts, write_inputs

GOOGLE = json.loads(DIGESTS.read_text(encoding="utf-8"))
DEFAULTS = {"do_lower_case": True, "do_whole_word_mask": False, "max_seq_length": 128, "max_predictions_per_seq": 20,
            "random_seed": 12345, "dupe_factor": 10, "masked_lm_prob": 0.15, "short_seq_prob": 0.1}


@pytest.mark.parametrize("name", GOOGLE["tokenization"])
def test_ids_are_those_of_googles_full_tokenizer(name, shared_data):
    texts = tokenization_texts(shared_data)
    what, _, cased = name.partition(",")
    if what not in texts:
        pytest.skip(f"the digest is of {what.split(' all of ')[1]}, this Python has {unicodedata.unidata_version}")
    vocabulary, texts = texts[what]
    tokenizer = Tokenizer(load_vocabulary(vocabulary), do_lower_case=not cased)
    texts = list(texts)
    assert digest_of_ids(texts, tokenizer.encode) == GOOGLE["tokenization"][name]
    fast = FastTokenizer(tokenizer.vocabulary, do_lower_case=not cased)
    assert digest_of_ids(texts, fast.encode) == GOOGLE["tokenization"][name]
    if "hard" in name:
        with_offsets = digest_of_ids(texts, lambda text: [tokenizer.vocabulary[piece] for piece, _, _ in
                                                          tokenizer.tokenize_with_offsets(text)])
        assert with_offsets == GOOGLE["tokenization"][name]


@pytest.mark.parametrize("case", [pytest.param(case, marks=pytest.mark.slow if "whole corpus" in case else ())
                                  for case in CASES])
def test_google_mode_gives_the_very_records_of_googles_script(case, request, tmp_path):
    corpus, _, number_of_outputs, flags = CASES[case]
    data = None if corpus == "own" else request.getfixturevalue("shared_data")
    inputs, vocabulary = write_inputs(case, data, tmp_path)
    outputs = [tmp_path / f"part-{number}.tfrecord" for number in range(number_of_outputs)]
    pretraining_data.run(mode="google", input_file=inputs, output_file=outputs, vocab_file=vocabulary, statistics=None,
                         word_segmenter="none", masking="static", workers=1, jobs=1, job=0, **{**DEFAULTS, **flags})
    assert [digest(read_records(output)) for output in outputs] == GOOGLE["instances"][case]
