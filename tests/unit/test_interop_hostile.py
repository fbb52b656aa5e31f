"""What cannot be imported or exported ends in one sentence that says why, and nothing is written."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from dump2bert import cli
from dump2bert.errors import BadInput
from dump2bert.interop import graphs
from dump2bert.interop.torch_files import LEGACY_MAGIC, LEGACY_PROTOCOL, read_torch
from tests.conftest import PROJECT
from tests.unit.interop_world import WORDS, described, random_weights, save_ckpt, save_own

GOLDEN = PROJECT / "tests" / "golden"


def refused(capfd, *words):
    capfd.readouterr()
    assert cli.main([str(word) for word in words]) == 1
    printed = capfd.readouterr().err
    sentences = [line for line in printed.splitlines() if line.startswith("error: ")]
    assert len(sentences) == 1 and "Traceback" not in printed, printed
    return sentences[0]


@pytest.fixture
def folder(tmp_path):
    """A sound Hugging Face folder."""
    path = tmp_path / "hf"
    path.mkdir()
    save_file(random_weights(described()), path / "model.safetensors")
    write_config(path)
    (path / "vocab.txt").write_text("".join(f"{word}\n" for word in WORDS))
    return path


def write_config(folder, without=None, **changes):
    config = {**described(), "model_type": "bert", **changes}
    config.pop(without, None)
    (folder / "config.json").write_text(json.dumps(config))


def cut(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def with_weights(**changes):
    def change(folder):
        weights = {**random_weights(described()), **changes}
        save_file({name: value for name, value in weights.items() if value is not None}, folder / "model.safetensors")
    return change


FAULTS = [
    (lambda folder: (folder / "config.json").unlink(), "hf has no config.json"),
    (lambda folder: (folder / "config.json").write_text("[1]"), "config.json holds no JSON object"),
    (lambda folder: (folder / "config.json").write_text("{"), "config.json is not valid JSON"),
    (lambda folder: write_config(folder, model_type="roberta"), "of the kind 'roberta'; read are bert and nezha"),
    (lambda folder: write_config(folder, hidden_act="swish"), "has the activation 'swish' (hidden_act); known here are gelu"),
    (lambda folder: write_config(folder, position_embedding_type="relative_key"), "position_embedding_type 'relative_key'"),
    (lambda folder: write_config(folder, without="hidden_size"), "does not say hidden_size"),
    (lambda folder: write_config(folder, hidden_size="8"), "hidden_size is '8', but should be a whole number above 0"),
    (lambda folder: write_config(folder, layer_norm_eps=None), "layer_norm_eps is None"),
    (lambda folder: write_config(folder, num_attention_heads=3), "hidden_size 8 is not divisible by num_attention_heads 3"),
    (lambda folder: write_config(folder, model_type="nezha", max_relative_position=32), "max_relative_position 32"),
    (lambda folder: write_config(folder, num_hidden_layers=3), "has no bert.encoder.layer.2.attention.self.query.weight"),
    (lambda folder: write_config(folder, intermediate_size=16), "has the shape 12x8, where 16x8 is expected"),
    (lambda folder: (folder / "model.safetensors").unlink(), "hf holds no weights that are known here: model.safetensors"),
    (lambda folder: (folder / "model.safetensors").write_bytes(b"weights"), "is no safetensors file, or it is cut off"),
    (cut, "is no safetensors file, or it is cut off or damaged"),
    (with_weights(**{"bert.pooler.dense.bias": np.full(8, np.nan, np.float32)}), "bert.pooler.dense.bias that are not finite"),
    (with_weights(**{"bert.embeddings.LayerNorm.bias": None}), "has no bert.embeddings.LayerNorm.bias"),
    (lambda folder: (folder / "vocab.txt").write_text("\n".join(map(str, range(40)))), "the vocabulary has 40 words"),
]


@pytest.mark.parametrize("spoil, said", FAULTS, ids=[said for _, said in FAULTS])
def test_a_broken_hugging_face_folder_is_one_sentence(folder, tmp_path, capfd, spoil, said):
    spoil(folder)
    assert said in refused(capfd, "import", folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("keys, said", [
    ('{"hiden_act": "relu"}', "names hiden_act, which is no key of a network"),
    ('{"hidden_act": "swish"}', "the activation 'swish' is not known here"),
    ('{"num_attention_heads": "2"}', "gives num_attention_heads as '2', but it should be like 2"),
    ('{"hidden_size": 16}', "has the shape 30x8, where 30x16 is expected"),
])
def test_what_the_user_says_of_a_network_must_fit_it(folder, tmp_path, capfd, keys, said):
    assert said in refused(capfd, "import", folder, tmp_path / "out", "--network_keys", keys)


def test_a_vocabulary_that_is_not_the_network_s_is_refused(folder, tmp_path, capfd):
    (tmp_path / "vocab.txt").write_text("".join(f"{word}\n" for word in [*WORDS[:5], *reversed(WORDS[5:])]))
    assert "is not the vocabulary of" in refused(capfd, "import", folder, tmp_path / "out", "--vocab_file", tmp_path / "vocab.txt")


def test_a_place_without_a_checkpoint_is_one_sentence(tmp_path, capfd):
    assert "nowhere is not there: give a folder" in refused(capfd, "import", tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    assert "empty holds no weights" in refused(capfd, "import", tmp_path / "empty", tmp_path / "out")
    (tmp_path / "a.ckpt").write_bytes(b"\x00\x01 no checkpoint" * 20)
    assert "is no checkpoint that MindSpore can read" in refused(capfd, "import", tmp_path / "a.ckpt", tmp_path / "out")
    save_ckpt(tmp_path / "model.ckpt", random_weights(described()))
    assert "network.json cannot be read" in refused(capfd, "import", tmp_path / "model.ckpt", tmp_path / "out")


def test_a_broken_google_checkpoint_is_one_sentence(tmp_path, capfd):
    (tmp_path / "bert_model.ckpt.index").write_bytes(b"no index" * 30)
    assert "has no bert_config.json beside it" in refused(capfd, "import", tmp_path, tmp_path / "out")
    (tmp_path / "bert_config.json").write_text(json.dumps(described()))
    assert "is no TensorFlow checkpoint, or it is cut off" in refused(capfd, "import", tmp_path, tmp_path / "out")


def test_network_json_that_lacks_a_key_or_is_of_another_network_is_one_sentence(tmp_path, capfd):
    network = described()
    own = save_own(tmp_path / "own", network, random_weights(network))
    file = own / "network.json"
    description = json.loads(file.read_text())
    for command in ("import", "export"):
        file.write_text(json.dumps({**description, "network": {k: v for k, v in network.items() if k != "hidden_act"}}))
        assert "network.json does not say hidden_act" in refused(capfd, command, own, tmp_path / "out")
        file.write_text(json.dumps({**description, "network": {**network, "vocab_size": 31}}))
        assert "is of another network" in refused(capfd, command, own, tmp_path / "out")
        file.write_text('{"network": []}')
        assert "network.json does not describe a network" in refused(capfd, command, own, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_has_no_form_elsewhere_is_refused_with_the_reason(tmp_path, capfd):
    zoo = described(relative_positions="zoo")
    save_own(tmp_path / "zoo", zoo, random_weights(zoo))
    assert "relative positions (zoo), which no network of Hugging Face has" in refused(
        capfd, "export", tmp_path / "zoo", tmp_path / "out")
    weights = {**random_weights(described(), heads=False), "classifier.weight": np.ones((3, 8), np.float32),
               "classifier.bias": np.ones(3, np.float32)}
    save_own(tmp_path / "crf", described(), weights, task={"kind": "ner", "use_crf": True, "labels": ["a", "b", "c"]})
    for form in ("huggingface", "mindir", "onnx"):
        assert "conditional random field" in refused(capfd, "export", "--format", form, tmp_path / "crf", tmp_path / "out")
    save_own(tmp_path / "own", described(), random_weights(described()))
    assert "--seq_length 11 is above the network's max_position_embeddings, 10" in refused(
        capfd, "export", "--format", "onnx", tmp_path / "own", tmp_path / "out", "--seq_length", 11)
    assert not (tmp_path / "out").exists()


def test_a_graph_that_mindspore_cannot_write_is_one_sentence(tmp_path, capfd, monkeypatch):
    save_own(tmp_path / "own", described(), random_weights(described()))

    def fails(*_, **__):
        raise RuntimeError("Unsupported operator: Erf\nmore of it")

    monkeypatch.setattr(graphs.onnx, "export", fails)
    monkeypatch.setattr(graphs.ms, "export", lambda *_, **__: None)     # what it does beyond 1 GB: files in parts
    for form, said in (("onnx", "cannot write this network as onnx: Unsupported operator: Erf"),
                       ("mindir", "writes a network of more than 1 GB as mindir in parts")):
        assert said in refused(capfd, "export", "--format", form, tmp_path / "own", tmp_path / "out")
        assert list((tmp_path / "out").iterdir()) == []


# -------------------------------------------------------------------------------------------- pickles that do harm


class Harm:
    """Runs a command when it is unpickled by someone who trusts it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        import os
        return os.system, (f"touch '{self.path}'",)


def torch_zip(path, pickled):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
    return path


def torch_legacy(path, pickled):
    path.write_bytes(pickle.dumps(LEGACY_MAGIC, 2) + pickle.dumps(LEGACY_PROTOCOL, 2)
                     + pickle.dumps({"little_endian": True}, 2) + pickled)
    return path


@pytest.mark.parametrize("write", [torch_zip, torch_legacy])
def test_a_pickle_that_would_run_a_command_does_not(folder, tmp_path, capfd, write):
    (folder / "model.safetensors").unlink()
    write(folder / "pytorch_model.bin", pickle.dumps({"bert.pooler.dense.bias": Harm(tmp_path / "harm")}, 2))
    said = refused(capfd, "import", folder, tmp_path / "out")
    assert "asks for posix.system, which a file of weights does not need and which is not run here" in said
    assert not (tmp_path / "harm").exists() and not (tmp_path / "out").exists()


@pytest.mark.parametrize("pickled", [
    b"cbuiltins\neval\n(S'1'\ntR.", b"cos\nsystem\n(S'true'\ntR.", b"ctorch._utils\n_rebuild_tensor_v3\n)R.",
    b"ccollections\nOrderedDict.fromkeys\n)R.", b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.__init__\x93)R."])
def test_no_name_but_those_that_weights_need_is_found(tmp_path, pickled):
    with pytest.raises(BadInput, match="does not need"):
        read_torch(torch_zip(tmp_path / "a.bin", pickled))


@pytest.mark.parametrize("content, said", [
    (b"", "is no file of weights that torch.save wrote"),
    (b"weights", "cannot be used|is no file of weights"),
    (pickle.dumps([1, 2]), "is no file that torch.save wrote"),
    (b"PK\x03\x04 no archive", "is no whole zip archive"),
])
def test_what_torch_did_not_write_is_one_sentence(tmp_path, content, said):
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(BadInput, match=said):
        read_torch(tmp_path / "a.bin")


@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_a_cut_file_of_torch_is_one_sentence_wherever_it_is_cut(tmp_path, form):
    content = (GOLDEN / f"torch_{form}.bin").read_bytes()
    for length in range(0, len(content) - 1, 37):
        (tmp_path / "a.bin").write_bytes(content[:length])
        with pytest.raises(BadInput):
            read_torch(tmp_path / "a.bin")


def test_a_tensor_larger_than_its_storage_is_refused(tmp_path):
    with zipfile.ZipFile(GOLDEN / "torch_zip.bin") as archive:
        names = {name: archive.read(name) for name in archive.namelist()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content[:4] if "/data/" in name else content)
    (tmp_path / "a.bin").write_bytes(buffer.getvalue())
    with pytest.raises(BadInput, match="more numbers than its storage holds"):
        read_torch(tmp_path / "a.bin")
