"""Checkpoints from and to the world: what goes in comes out bit by bit, and names and shapes are those of the others."""

import json

import numpy as np
import pytest
from mindspore import Tensor
from safetensors.numpy import load_file, save_file

from dump2bert import cli
from dump2bert.interop.graphs import make_portable
from dump2bert.interop.parameters import encoder_shapes, head_shapes
from dump2bert.interop.torch_files import read_torch
from dump2bert.nets.bert import BertModel
from dump2bert.nets.heads import BertForPretraining
from tests.conftest import PROJECT
from tests.unit.interop_world import WORDS, assert_same, described, imported, random_weights, save_ckpt, save_own

GOLDEN = PROJECT / "tests" / "golden"


def exported(source, destination, *flags):
    assert cli.main(["export", str(source), str(destination), *flags]) == 0
    return load_file(destination / "model.safetensors"), json.loads((destination / "config.json").read_text())


@pytest.mark.parametrize("kind", ["none", "nezha", "zoo"])
def test_the_list_of_parameters_is_that_of_the_network(kind):
    network = described(relative_positions=kind)
    shapes = {item.name: tuple(item.shape) for item in BertForPretraining(network).get_parameters()}
    assert shapes == {**encoder_shapes(network), **head_shapes(network)}


@pytest.mark.parametrize("kind, heads", [("none", True), ("none", False), ("nezha", True)])
def test_a_network_that_goes_to_hugging_face_and_back_is_bit_identical(tmp_path, kind, heads):
    network = described(relative_positions=kind, hidden_act="gelu_new", layer_norm_eps=1e-7)
    weights = random_weights(network, heads)
    save_own(tmp_path / "own", network, weights)
    exported(tmp_path / "own", tmp_path / "folder", "--do_lower_case", "false")
    found, description = imported(tmp_path / "folder", tmp_path / "back")
    assert_same(found, weights)
    undecided = {"bert_network": None, "seq_length": None, "compute_type": "float16"}
    assert description["network"] == {**network, **undecided}
    assert description["do_lower_case"] is False
    assert (tmp_path / "back" / "vocab.txt").read_text().split() == WORDS


def test_an_export_has_the_names_and_the_description_of_hugging_face(tmp_path):
    network = described()
    save_own(tmp_path / "bert", network, random_weights(network))
    tensors, config = exported(tmp_path / "bert", tmp_path / "out")
    assert config["architectures"] == ["BertForPreTraining"] and config["model_type"] == "bert"
    assert config["vocab_size"] == 30 and config["hidden_act"] == "gelu" and config["pad_token_id"] == 0
    assert "bert.embeddings.position_embeddings.weight" in tensors and "cls.predictions.bias" in tensors
    assert json.loads((tmp_path / "out" / "tokenizer_config.json").read_text())["do_lower_case"] is True
    network = described(relative_positions="nezha")
    save_own(tmp_path / "nezha", network, random_weights(network))
    tensors, config = exported(tmp_path / "nezha", tmp_path / "out2")
    assert config["architectures"] == ["NezhaForPreTraining"] and config["max_relative_position"] == 64
    assert all(name.startswith(("nezha.", "cls.")) for name in tensors)


@pytest.mark.parametrize("task, head, name, pooled", [
    ({"kind": "ner", "labels": ["O", "S_x", "B_x"]}, {"classifier": 3}, "BertForTokenClassification", False),
    ({"kind": "classification", "labels": ["yes", "no"]}, {"classifier": 2}, "BertForSequenceClassification", True),
    ({"kind": "regression", "labels": None}, {"classifier": 1}, "BertForSequenceClassification", True),
    ({"kind": "squad"}, {"qa_outputs": 2}, "BertForQuestionAnswering", False),
])
def test_finetuned_networks_become_the_class_that_has_their_head(tmp_path, task, head, name, pooled):
    network = described()
    weights = random_weights(network, heads=False)
    for part, count in head.items():
        weights |= {f"{part}.weight": np.ones((count, 8), np.float32), f"{part}.bias": np.ones(count, np.float32)}
    save_own(tmp_path / "own", network, weights, task={**task, "do_lower_case": False})
    tensors, config = exported(tmp_path / "own", tmp_path / "out")
    assert config["architectures"] == [name]
    assert ("bert.pooler.dense.weight" in tensors) == pooled and f"{part}.weight" in tensors
    if task.get("labels"):
        assert list(config["id2label"].values()) == task["labels"] and config["label2id"][task["labels"][1]] == 1
    assert config.get("problem_type") == ("regression" if task["kind"] == "regression" else None)
    assert json.loads((tmp_path / "out" / "tokenizer_config.json").read_text())["do_lower_case"] is False


def write_hugging_face(folder, weights, **config):
    folder.mkdir()
    save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({**described(), "model_type": "bert", **config}))
    return folder


def test_old_names_bare_models_and_what_is_no_weight_are_understood(tmp_path):
    weights = random_weights(described(), heads=False)
    old = {name.removeprefix("bert.").replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"):
           value for name, value in weights.items()}
    old["embeddings.position_ids"] = np.arange(10)[None]
    assert_same(imported(write_hugging_face(tmp_path / "old", old), tmp_path / "out")[0], weights)


def test_heads_that_are_not_pretraining_s_are_left_out_and_a_missing_pooler_is_drawn(tmp_path, capfd):
    weights = random_weights(described(), heads=False)
    stored = {name: value for name, value in weights.items() if "pooler" not in name}
    stored["classifier.weight"] = np.ones((3, 8), np.float32)
    found, description = imported(write_hugging_face(tmp_path / "hf", stored), tmp_path / "out")
    assert set(found) == set(weights) and np.isfinite(found["bert.pooler.dense.weight"]).all()
    assert description["provenance"]["drawn"] == ["bert.pooler.dense.weight", "bert.pooler.dense.bias"]
    said = capfd.readouterr().err
    assert "left out: classifier.weight (1)" in said and "drawn at random: bert.pooler.dense.weight" in said


@pytest.mark.parametrize("name", ["weight", "bias"])
def test_heads_whose_decoder_is_not_the_word_embedding_are_left_out(tmp_path, capfd, name):
    weights = random_weights(described())
    stored = {**weights, "cls.predictions.decoder.weight": weights["bert.embeddings.word_embeddings.weight"],
              "cls.predictions.decoder.bias": weights["cls.predictions.bias"]}
    assert_same(imported(write_hugging_face(tmp_path / "tied", stored), tmp_path / "all")[0], weights)
    stored[f"cls.predictions.decoder.{name}"] = stored[f"cls.predictions.decoder.{name}"] + 1
    found, _ = imported(write_hugging_face(tmp_path / "untied", stored), tmp_path / "out")
    assert set(found) == {item for item in weights if item.startswith("bert.")}
    assert "left out: cls.predictions.bias" in capfd.readouterr().err


def test_weights_in_shards_and_a_vocabulary_in_tokenizer_json_are_read(tmp_path):
    weights = random_weights(described())
    folder = write_hugging_face(tmp_path / "hf", weights)
    (folder / "model.safetensors").unlink()
    names = list(weights)
    for number, part in enumerate((names[:9], names[9:])):
        save_file({name: weights[name] for name in part}, folder / f"model-{number}.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {
        name: f"model-{int(number >= 9)}.safetensors" for number, name in enumerate(names)}}))
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"type": "WordPiece", "vocab": {
        word: number for number, word in reversed(list(enumerate(WORDS)))}}}))
    assert_same(imported(folder, tmp_path / "out")[0], weights)
    assert (tmp_path / "out" / "vocab.txt").read_text().split() == WORDS


@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_files_of_torch_are_read_without_torch(form):
    expected = np.load(GOLDEN / "torch_files.npz")
    found = read_torch(GOLDEN / f"torch_{form}.bin")
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].dtype == value.dtype and np.array_equal(found[name], value), name


def test_a_folder_that_huaweis_nezha_pytorch_wrote_gives_its_network_and_its_scores(tmp_path):
    golden = np.load(GOLDEN / "nezha.npz")
    found, description = imported(GOLDEN / "nezha_pytorch", tmp_path)
    assert_same(found, {name.removeprefix("weight/"): golden[name] for name in golden if name.startswith("weight/")})
    assert description["provenance"]["drawn"] == []
    network = {**description["network"], "compute_type": "float32"}
    assert (network["relative_positions"], network["hidden_act"], network["layer_norm_eps"]) == ("nezha", "gelu", 1e-12)
    model = BertForPretraining(network)
    for item in model.get_parameters():
        item.set_data(Tensor(found[item.name]))
    scores = model(*(Tensor(golden[f"input/{name}"]) for name in (
        "input_ids", "input_mask", "segment_ids", "masked_lm_positions")))
    for ours, name in zip(scores, ("prediction_scores", "next_sentence_scores")):
        theirs = golden[name].reshape(ours.shape)
        theirs = theirs - np.log(np.exp(theirs).sum(-1, keepdims=True))
        assert np.abs(ours.asnumpy() - theirs).max() <= 1e-4, name


# The zoo's names of a layer and of what is around the layers; (2020) where its generations differ.
ZOO = {
    "bert.bert_embedding_lookup.embedding_table": "bert.embeddings.word_embeddings.weight",
    "bert.bert_embedding_postprocessor.token_type_embedding.embedding_table": "bert.embeddings.token_type_embeddings.weight",
    "bert.bert_embedding_postprocessor.full_position_embedding.embedding_table": "bert.embeddings.position_embeddings.weight",
    "bert.bert_embedding_postprocessor.layernorm.gamma": "bert.embeddings.LayerNorm.weight",
    "bert.bert_embedding_postprocessor.layernorm.beta": "bert.embeddings.LayerNorm.bias",
    "bert.dense.weight": "bert.pooler.dense.weight", "bert.dense.bias": "bert.pooler.dense.bias",
    "cls1.dense.weight": "cls.predictions.transform.dense.weight", "cls1.dense.bias": "cls.predictions.transform.dense.bias",
    "cls1.layernorm.gamma": "cls.predictions.transform.LayerNorm.weight",
    "cls1.layernorm.beta": "cls.predictions.transform.LayerNorm.bias", "cls1.output_bias": "cls.predictions.bias",
    "cls2.dense.weight": "cls.seq_relationship.weight", "cls2.dense.bias": "cls.seq_relationship.bias",
}
ZOO_LAYER = {
    **{f"attention.attention.{part}_layer.{end}": f"attention.self.{part}.{end}"
       for part in ("query", "key", "value") for end in ("weight", "bias")},
    **{f"{theirs}.{end}": f"{ours}.{end}" for theirs, ours in (
        ("attention.output.dense", "attention.output.dense"), ("intermediate", "intermediate.dense"),
        ("output.dense", "output.dense")) for end in ("weight", "bias")},
    **{f"{part}.layernorm.{theirs}": f"{part}.LayerNorm.{ours}" for part in ("attention.output", "output")
       for theirs, ours in (("gamma", "weight"), ("beta", "bias"))},
}
OF_2020 = {"bert.bert_embedding_postprocessor.token_type_embedding.embedding_table":
           "bert.bert_embedding_postprocessor.embedding_table",
           "bert.bert_embedding_postprocessor.full_position_embedding.embedding_table":
           "bert.bert_embedding_postprocessor.full_position_embeddings"}


def zoo_names(generation=2023):
    names = {OF_2020.get(theirs, theirs) if generation == 2020 else theirs: ours for theirs, ours in ZOO.items()}
    for number in range(2):
        names |= {f"bert.bert_encoder.layers.{number}.{theirs}": f"bert.encoder.layer.{number}.{ours}"
                  for theirs, ours in ZOO_LAYER.items()}
    return {f"bert.{theirs}": ours for theirs, ours in names.items()}


@pytest.mark.parametrize("generation", [2020, 2023])
def test_a_checkpoint_of_the_zoo_is_told_by_its_names_and_sized_by_its_shapes(tmp_path, generation):
    network = described(hidden_size=128, type_vocab_size=16)
    weights = random_weights(network)
    stored = {theirs: weights[ours] for theirs, ours in zoo_names(generation).items()}
    stored |= {f"adam_m.{name}": value + 1 for name, value in stored.items()} | {"global_step": np.zeros(1, np.float32)}
    save_ckpt(tmp_path / "zoo.ckpt", stored)
    found, description = imported(tmp_path / "zoo.ckpt", tmp_path / "out")
    assert_same(found, weights)
    assert description["network"] == {**network, "bert_network": None, "seq_length": None, "hidden_act": "gelu_new",
                                      "layer_norm_eps": 1e-7, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
                                      "initializer_range": 0.02, "compute_type": "float16", "relative_position_kind": "zoo"}


def test_a_zoo_checkpoint_with_relative_positions_brings_its_tables_and_not_the_unused_absolute_one(tmp_path):
    network = described(relative_positions="zoo")
    weights = random_weights(network)
    stored = {theirs: weights[ours] for theirs, ours in zoo_names().items() if ours in weights}
    stored["bert.bert.bert_embedding_postprocessor.full_position_embedding.embedding_table"] = np.ones((10, 8), np.float32)
    for number in range(2):
        stored[f"bert.bert.bert_encoder.layers.{number}.attention.attention._generate_relative_positions_embeddings."
               "embeddings_table"] = weights[
                   f"bert.encoder.layer.{number}.attention.self.relative_positions.embeddings_table"]
    save_ckpt(tmp_path / "zoo.ckpt", stored)
    found, description = imported(tmp_path / "zoo.ckpt", tmp_path / "out")
    assert_same(found, weights)
    assert description["network"]["relative_positions"] == "zoo" and description["network"]["num_attention_heads"] == 2


def test_a_checkpoint_of_google_is_transposed_and_keeps_no_moments(tmp_path):
    import tensorflow as tf

    weights = random_weights(described())
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for ours, value in weights.items():
            name = ours.replace("layer.", "layer_").replace(".", "/")
            if name.endswith("_embeddings/weight"):
                name = name.removesuffix("/weight")
            elif "LayerNorm" in name:
                name = name.replace("/weight", "/gamma").replace("/bias", "/beta")
            elif name in ("cls/predictions/bias", "cls/seq_relationship/bias", "cls/seq_relationship/weight"):
                name = name.replace("/bias", "/output_bias").replace("/weight", "/output_weights")
            elif name.endswith("/weight"):
                name, value = name.removesuffix("weight") + "kernel", value.T
            tf.compat.v1.get_variable(name, initializer=value)
            tf.compat.v1.get_variable(f"{name}/adam_m", initializer=value)
        tf.compat.v1.get_variable("global_step", initializer=7)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(tmp_path / "bert_model.ckpt"), write_meta_graph=False)
    (tmp_path / "bert_config.json").write_text(json.dumps({
        key: value for key, value in described().items() if key not in ("layer_norm_eps", "hidden_act")} | {"hidden_act": "gelu"}))
    for source in (tmp_path, tmp_path / "bert_model.ckpt", tmp_path / "bert_model.ckpt.index"):
        found, description = imported(source, tmp_path / "out")
        assert_same(found, weights)
        assert description["network"]["hidden_act"] == "gelu_new" and description["network"]["layer_norm_eps"] == 1e-12


def test_what_the_user_says_of_the_network_wins_and_an_own_checkpoint_can_be_read_again(tmp_path):
    network = described()
    save_own(tmp_path / "own", network, random_weights(network))
    found, description = imported(tmp_path / "own", tmp_path / "out", "--network_keys",
                                  '{"num_attention_heads": 4, "hidden_dropout_prob": 0.3}')
    assert description["network"] == {**network, "num_attention_heads": 4, "hidden_dropout_prob": 0.3}
    _, description = imported(tmp_path / "own", tmp_path / "out", "--compute_type", "bfloat16")
    assert description["network"] == {**network, "compute_type": "bfloat16"} != network


SIZES = ("--batch_size", "2", "--seq_length", "7", "--max_predictions_per_seq", "3")


def network_and_outputs(folder, kind):
    """Save a checkpoint in `folder`/own -> inputs of its graph, the network's own outputs for them, without operators
    that are compiled for this machine (an exported graph has none)."""
    network = described(relative_positions=kind)
    weights = random_weights(network)
    save_own(folder / "own", network, weights)
    model = BertForPretraining(network)
    for item in model.get_parameters():
        item.set_data(Tensor(weights[item.name]))
    make_portable(model)
    ids = np.random.default_rng(2).integers(0, 30, (2, 7)).astype(np.int32)
    mask = np.array([[1] * 7, [1] * 4 + [0] * 3], np.int32)
    inputs = (ids, mask, np.zeros_like(ids), np.array([[1, 2, 3], [0, 1, 2]], np.int32))
    return inputs, [value.asnumpy() for value in model(*map(Tensor, inputs))]


@pytest.mark.parametrize("kind", ["none", "nezha", "zoo"])
def test_a_mindir_graph_gives_the_network_s_own_outputs(tmp_path, kind):
    import mindspore as ms
    from mindspore import nn

    inputs, expected = network_and_outputs(tmp_path, kind)
    assert cli.main(["export", "--format", "mindir", str(tmp_path / "own"), str(tmp_path / "out"), *SIZES]) == 0
    graph = nn.GraphCell(ms.load(str(tmp_path / "out" / "model.mindir")))
    for found, value in zip(graph(*map(Tensor, inputs)), expected):
        assert np.abs(found.asnumpy() - value).max() <= 1e-6


@pytest.mark.parametrize("kind", ["none", "nezha", "zoo"])
def test_an_onnx_graph_is_written(tmp_path, kind):
    save_own(tmp_path / "own", described(relative_positions=kind), random_weights(described(relative_positions=kind)))
    assert cli.main(["export", "--format", "onnx", str(tmp_path / "own"), str(tmp_path / "net.onnx"), *SIZES]) == 0
    content = (tmp_path / "net.onnx").read_bytes()
    for name in ("input_ids", "input_mask", "token_type_ids", "masked_lm_positions", "masked_words", "next_sentence"):
        assert name.encode() in content
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_an_encoder_without_heads_is_refused_as_onnx(tmp_path, capfd):
    save_own(tmp_path / "own", described(), random_weights(described(), heads=False))
    assert cli.main(["export", "--format", "onnx", str(tmp_path / "own"), str(tmp_path / "net.onnx"), *SIZES]) == 1
    assert "loses sequence_output" in capfd.readouterr().err and not (tmp_path / "net.onnx").exists()


@pytest.mark.parametrize("kind", ["none", "nezha", "zoo"])
def test_an_onnx_graph_gives_the_network_s_own_outputs(tmp_path, kind):
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    inputs, expected = network_and_outputs(tmp_path, kind)
    assert cli.main(["export", "--format", "onnx", str(tmp_path / "own"), str(tmp_path / "net.onnx"), *SIZES]) == 0
    session = runtime.InferenceSession(tmp_path / "net.onnx")
    names = [item.name for item in session.get_inputs()]
    assert names == ["input_ids", "input_mask", "token_type_ids", "masked_lm_positions"]
    for found, value in zip(session.run(["masked_words", "next_sentence"], dict(zip(names, inputs))), expected):
        assert np.abs(found - value).max() <= 1e-4


def test_the_graph_of_a_finetuned_network_gives_the_scores_of_its_head(tmp_path):
    import mindspore as ms
    from mindspore import nn

    network = described()
    weights = {**random_weights(network, heads=False), "qa_outputs.weight": np.ones((2, 8), np.float32),
               "qa_outputs.bias": np.ones(2, np.float32)}
    save_own(tmp_path / "own", network, weights, task={"kind": "squad", "max_seq_length": 5})
    assert cli.main(["export", "--format", "mindir", str(tmp_path / "own"), str(tmp_path / "a.mindir")]) == 0
    model = BertModel(network)
    for item in model.get_parameters():
        item.set_data(Tensor(weights[f"bert.{item.name}"]))
    ids, ones = np.array([[2, 9, 4, 3, 0]], np.int32), np.ones((1, 5), np.int32)
    hidden = model(Tensor(ids), Tensor(ones * 0), Tensor(ones))[0].asnumpy()
    found = nn.GraphCell(ms.load(str(tmp_path / "a.mindir")))(Tensor(ids), Tensor(ones), Tensor(ones * 0)).asnumpy()
    np.testing.assert_allclose(found, hidden @ weights["qa_outputs.weight"].T + 1, rtol=1e-4, atol=1e-5)
