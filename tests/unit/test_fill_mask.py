"""Masks filled in by a pretrained network: the words are those that the network itself finds most probable."""

import json

import numpy as np
import pytest
from mindspore import Tensor

from dump2bert import cli
from dump2bert.files import sha256_of
from dump2bert.nets.bert import initialize
from dump2bert.nets.heads import BertForPretraining
from dump2bert.tasks.fill_mask import is_lower_case, rows_of
from dump2bert.tokenization import Tokenizer
from dump2bert.training import checkpoints
from tests.unit.small_networks import WORDS, small_network

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{number}" for number in range(5, WORDS))]


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrained")
    network = small_network()
    model = BertForPretraining(network)
    initialize(model, 1, network["initializer_range"])
    checkpoints.save(folder, model, network, {})
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n")
    return folder, model


def run(folder, **flags):
    words = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
    return cli.main(["predict", "--device_target", "CPU", "--checkpoint", str(folder / "model.ckpt"), "--vocab_file",
                     str(folder / "vocab.txt"), *words])


def test_the_words_are_those_that_the_network_finds_most_probable(pretrained, capfd):
    folder, model = pretrained
    assert run(folder, text="w7 [MASK] w9 [MASK]\nw5 [MASK]", top=3, batch_size=2) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["text"] for line in lines] == ["w7 [MASK] w9 [MASK]", "w5 [MASK]"]
    ids = np.array([[2, 7, 4, 9, 4, 3]], np.int32)
    model.set_train(False)
    scores = model(Tensor(ids), Tensor(np.ones_like(ids)), Tensor(np.zeros_like(ids)), Tensor(np.array([[2, 4]], np.int32)))
    wanted = np.exp(scores[0].asnumpy())
    for found, probabilities in zip(lines[0]["masks"], wanted, strict=True):
        assert [PIECES.index(word["token"]) for word in found] == np.argsort(-probabilities)[:3].tolist()
        assert [word["probability"] for word in found] == pytest.approx(np.sort(probabilities)[::-1][:3], abs=1e-5)
    assert len(lines[1]["masks"]) == 1


def test_a_long_text_has_a_row_for_each_mask_cut_out_around_it():
    tokenizer = Tokenizer({piece: number for number, piece in enumerate(PIECES)}, True)
    text = " ".join(["w5"] * 30 + ["[MASK]"] + ["w6"] * 30 + ["[MASK]"])
    rows = rows_of([text], tokenizer, 12)
    assert [(len(tokens), tokens[places[0]]) for _, tokens, places in rows] == [(12, 4), (12, 4)]
    assert 5 in rows[0][1] and 6 in rows[0][1] and 5 not in rows[1][1]


@pytest.mark.parametrize("text, said", [("w7 w8", "line 1 has no [MASK]"), ("", "holds no text")])
def test_what_cannot_be_filled_in_is_one_sentence(pretrained, capfd, text, said):
    assert run(pretrained[0], text=text) == 1
    assert said in capfd.readouterr().err.splitlines()[-1]


def test_another_vocabulary_than_the_networks_is_refused(pretrained, tmp_path, capfd):
    folder, model = pretrained
    (tmp_path / "vocab.txt").write_text("\n".join(reversed(PIECES)) + "\n")
    checkpoints.save(tmp_path, model, small_network(), {"vocabulary_sha256": sha256_of(folder / "vocab.txt")})
    assert run(tmp_path, text="w7 [MASK]") == 1
    assert "vocab.txt is not the vocabulary that the network was pretrained with" in capfd.readouterr().err
    (tmp_path / "vocab.txt").write_bytes((folder / "vocab.txt").read_bytes())
    assert run(tmp_path, text="w7 [MASK]") == 0


def test_a_vocabulary_with_capitals_keeps_them():
    assert is_lower_case(["[CLS]", "<S>", "ab", "##c", "北"]) and not is_lower_case(["[CLS]", "ab", "Paris"])
