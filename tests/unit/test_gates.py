"""The gates of the pretraining data: what each refuses, what it says, and that the value that it names lets it pass."""

import re

import pytest

from dump2bert.config import plain
from dump2bert.config_corpus import DataGates
from dump2bert.errors import BadInput
from dump2bert.gates import passed
from dump2bert.pretraining.gates import Gates, check_data

values = plain(DataGates())
del values["accept_equal_shards"]
GATES = Gates(min_sentences_per_document=1.1, **values)
SOUND = {"documents": 100, "sentences": 900, "unknown_rate": 0.01, "instances": 1000, "random_next_rate": 0.52,
         "masked_lm_prob": 0.15, "mask_rate": 0.148, "padding_rate": 0.1, "max_seq_length": 128,
         "max_predictions_per_seq": 20}


def test_sound_data_pass():
    check_data("data", SOUND, GATES)


def test_what_is_not_there_is_not_looked_at():
    check_data("data", {}, GATES)


@pytest.mark.parametrize("changes, said", [
    ({"documents": 1}, "the data come from 1 document"),
    ({"sentences": 100}, "100 documents have 1.00 sentences on average; is there a blank line after every sentence"),
    ({"unknown_rate": 0.903}, r"unknown tokens \(\[UNK\]\) are 90.3%.*the vocabulary does not fit"),
    ({"random_next_rate": 0.97}, "of 1000 next sentences those that are random are 97.0%"),
    ({"random_next_rate": 0.03}, "of 1000 next sentences those that are not random are 97.0%"),
    ({"mask_rate": 0.039, "max_seq_length": 512}, "3.9% of the tokens .* max_predictions_per_seq 20 is too small for "
                                                  "max_seq_length 512"),
    ({"mask_rate": 0.33}, "33.0% of the tokens .* so short that one prediction"),
    ({"padding_rate": 0.912}, "padding is 91.2%.*shorter than max_seq_length 128"),
])
def test_a_gate_says_what_is_wrong_and_names_the_value_that_passes_it(changes, said):
    with pytest.raises(BadInput, match=f"^data: .*{said}") as error:
        check_data("data", {**SOUND, **changes}, GATES)
    key, value = re.search(r"gates: {(\w+): ([\d.]+)}", str(error.value)).groups()
    assert f"--{key} {value}" in str(error.value)
    check_data("data", {**SOUND, **changes}, GATES._replace(**{key: float(value)}))


def test_a_majority_that_small_data_have_by_chance_passes():
    check_data("data", {**SOUND, "instances": 9, "random_next_rate": 1.0}, GATES)


@pytest.mark.parametrize("value, direction, expected", [(0.903, 1, 0.91), (0.5, 1, 0.5), (1.0, -1, 1.0), (1.096, -1, 1.09),
                                                        (3.8461, 1, 3.85)])
def test_the_named_value_just_lets_through(value, direction, expected):
    assert passed(value, direction) == expected
