"""Checkpoints between this project and Hugging Face's transformers. Skipped where torch and transformers are not installed;
NEZHA is only in transformers 4."""

import json

import numpy as np
import pytest
from mindspore import Tensor

from dump2bert import cli
from dump2bert.config import Network, plain
from dump2bert.interop.parameters import encoder_shapes, head_shapes
from dump2bert.nets.bert import BertModel
from dump2bert.nets.heads import BertForPretraining
from tests.unit.interop_world import WORDS, assert_same, described, imported, random_weights, save_own

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

IDS = np.random.default_rng(3).integers(5, 30, (2, 8)).astype(np.int32)
MASK = np.array([[1] * 8, [1] * 5 + [0] * 3], np.int32)
TYPES = np.array([[0] * 4 + [1] * 4] * 2, np.int32)
TASKS = {
    "ner": ({"kind": "ner", "labels": ["O", "S_x", "B_x"]}, "classifier", 3),
    "classification": ({"kind": "classification", "labels": ["a", "b", "c"]}, "classifier", 3),
    "regression": ({"kind": "regression", "labels": None}, "classifier", 1),
    "squad": ({"kind": "squad"}, "qa_outputs", 2),
}


def loaded(folder):
    """The model of an exported folder, after the assertion that nothing is missing and nothing too much."""
    name = json.loads((folder / "config.json").read_text())["architectures"][0]
    if not hasattr(transformers, name):
        pytest.skip(f"transformers {transformers.__version__} has no {name}")
    model, info = getattr(transformers, name).from_pretrained(folder, output_loading_info=True)
    assert not any(info.values()), info
    return model.eval()


def of_transformers(model):
    with torch.no_grad():
        return model(input_ids=torch.tensor(IDS.astype(np.int64)), attention_mask=torch.tensor(MASK.astype(np.int64)),
                     token_type_ids=torch.tensor(TYPES.astype(np.int64)))


def own(cell, weights):
    for item in cell.get_parameters():
        item.set_data(Tensor(weights[item.name]))
    return cell


def small_weights(network, heads=True):
    """Of the size of trained ones, so that a difference of 1e-4 in the scores means something."""
    return {name: value * np.float32(0.3) for name, value in random_weights(network, heads).items()}


@pytest.mark.parametrize("kind, act", [("none", "gelu"), ("none", "gelu_new"), ("nezha", "gelu")])
def test_a_pretrained_network_has_the_same_scores_there(tmp_path, kind, act):
    network = described(relative_positions=kind, hidden_act=act)
    weights = small_weights(network)
    save_own(tmp_path / "own", network, weights)
    assert cli.main(["export", str(tmp_path / "own"), str(tmp_path / "out")]) == 0
    theirs = of_transformers(loaded(tmp_path / "out"))
    positions = np.tile(np.arange(8, dtype=np.int32), (2, 1))
    words, next_sentence = own(BertForPretraining(network), weights)(*map(Tensor, (IDS, MASK, TYPES, positions)))
    expected = torch.log_softmax(theirs.prediction_logits, -1).numpy().reshape(16, -1)
    assert np.abs(words.asnumpy() - expected)[MASK.reshape(-1) == 1].max() <= 1e-4
    assert np.abs(next_sentence.asnumpy() - torch.log_softmax(theirs.seq_relationship_logits, -1).numpy()).max() <= 1e-4


@pytest.mark.parametrize("task, head, count", TASKS.values(), ids=TASKS)
def test_a_finetuned_network_has_the_same_scores_there(tmp_path, task, head, count):
    network = described()
    weights = small_weights(network, heads=False)
    random = np.random.default_rng(4)
    weights |= {f"{head}.weight": random.standard_normal((count, 8)).astype(np.float32),
                f"{head}.bias": random.standard_normal(count).astype(np.float32)}
    save_own(tmp_path / "own", network, weights, task=task)
    assert cli.main(["export", str(tmp_path / "own"), str(tmp_path / "out")]) == 0
    model = loaded(tmp_path / "out")
    theirs = of_transformers(model)
    found = (torch.stack([theirs.start_logits, theirs.end_logits], -1) if task["kind"] == "squad" else theirs.logits).numpy()
    encoder = own(BertModel(network), {name.removeprefix("bert."): value for name, value in weights.items()})
    sequence, pooled = (value.asnumpy() for value in encoder(*map(Tensor, (IDS, TYPES, MASK))))
    hidden = sequence if found.ndim == 3 else pooled
    expected = hidden @ weights[f"{head}.weight"].T + weights[f"{head}.bias"]
    assert np.abs(found - expected)[MASK == 1 if found.ndim == 3 else slice(None)].max() <= 1e-4
    if task.get("labels"):
        assert list(model.config.id2label.values()) == task["labels"]


def test_what_transformers_and_torch_write_is_read(tmp_path):
    network = described()
    config = transformers.BertConfig(**{key: value for key, value in network.items() if key in (
        "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
        "max_position_embeddings", "type_vocab_size")})
    model = transformers.BertForPreTraining(config)
    weights = {name: value.detach().numpy() for name, value in model.named_parameters()}
    model.save_pretrained(tmp_path / "safetensors")
    for name, options in (("zip", {}), ("legacy", {"_use_new_zipfile_serialization": False})):
        (tmp_path / name).mkdir()
        config.save_pretrained(tmp_path / name)
        torch.save(model.state_dict(), tmp_path / name / "pytorch_model.bin", **options)
    for name in ("safetensors", "zip", "legacy"):
        found, description = imported(tmp_path / name, tmp_path / f"{name}-out")
        assert_same(found, weights)
        assert description["network"]["layer_norm_eps"] == 1e-12


def test_the_tokenizer_s_files_give_our_vocabulary(tmp_path):
    network = described()
    save_own(tmp_path / "own", network, random_weights(network))
    assert cli.main(["export", str(tmp_path / "own"), str(tmp_path / "out"), "--do_lower_case", "true"]) == 0
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer.get_vocab() == {word: number for number, word in enumerate(WORDS)}
    assert tokenizer.tokenize("W3 w4 x") == ["w3", "w4", "[UNK]"] and tokenizer.pad_token_id == 0


@pytest.mark.parametrize("preset", ["base", "large"])
def test_a_network_of_true_size_has_their_names_and_shapes(preset):
    network = plain(Network(bert_network=preset, vocab_size=21128)) | {"relative_positions": "none"}
    with torch.device("meta"):
        model = transformers.BertForPreTraining(transformers.BertConfig(**{key: network[key] for key in (
            "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
            "max_position_embeddings", "type_vocab_size")}))
    theirs = {name: tuple(item.shape) for name, item in model.named_parameters()}
    assert theirs == {**encoder_shapes(network), **head_shapes(network)}
