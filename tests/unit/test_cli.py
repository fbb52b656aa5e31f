"""The command line: flags come from the configuration's model, exit codes and sentences are as promised."""

import json
import signal
import subprocess
import sys

import pytest

from dump2bert import cli, config
from dump2bert.cli import COMMANDS
from dump2bert.errors import Interrupted


@pytest.fixture
def received(monkeypatch):
    """Runs a command with its stage replaced; returns what the stage would get."""
    def call(*arguments, stage=None):
        got = {}

        class Module:
            @staticmethod
            def run(**values):
                got.update(values)
                if stage:
                    stage()
        monkeypatch.setattr(cli.importlib, "import_module", lambda name: Module)
        return cli.main(list(arguments)), got
    return call


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_its_flags(name, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([name, "--help"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    for word in COMMANDS[name].files.split():
        assert f"--{word.rstrip('?*')} " in printed


def test_booleans_are_the_words_true_and_false(received):
    _, got = received("pretrain", "--state_dir", "s", "--do_shuffle", "false", "--network", "{}")
    assert got["do_shuffle"] is False
    with pytest.raises(SystemExit) as stop:
        received("pretrain", "--state_dir", "s", "--do_shuffle", "0", "--network", "{}")
    assert stop.value.code == cli.EXIT_USAGE


def test_booleans_may_be_given_as_google_takes_them(received):
    files = ["--input_file", "a", "--output_file", "b", "--vocab_file", "c"]
    _, got = received("pretraining_data", *files, "--do_whole_word_mask", "--nodo_lower_case")
    assert (got["do_whole_word_mask"], got["do_lower_case"]) == (True, False)
    _, got = received("pretraining_data", *files, "--do_lower_case=True", "--do_whole_word_mask=False")
    assert (got["do_whole_word_mask"], got["do_lower_case"]) == (False, True)


@pytest.mark.parametrize("flag, value, allowed", [("max_seq_length", "2", "greater than or equal to 8"),
                                                  ("doc_stride", "0", "greater than 0"),
                                                  ("train_records", "0", "greater than 0")])
def test_the_range_of_a_flag_holds_where_a_command_takes_no_more_of_its_section(received, capsys, flag, value, allowed):
    files = [word for name in ("train", "dev", "vocab_file", "output_dir") for word in (f"--{name}", name)]
    code, got = received("task_data", "--task", "squad", *files, f"--{flag}", value)
    assert (code, got) == (cli.EXIT_BAD_INPUT, {})
    assert capsys.readouterr().err == f"error: --{flag} is {value}, but should be {allowed}\n"


def test_defaults_are_the_models(received):
    _, got = received("pretrain", "--state_dir", "s", "--network", "{}")
    assert (got["device_target"], got["save_checkpoint_steps"], got["train_steps"]) == ("Ascend", 1000, -1)
    assert got["Lamb"]["learning_rate"] == 3e-4
    assert got["data_dir"] is None


def test_an_empty_path_counts_as_not_given(received):
    _, got = received("pretrain", "--state_dir", "s", "--network", "{}", "--load_checkpoint_path", "")
    assert got["load_checkpoint_path"] is None


def test_files_are_apart_by_commas_or_spaces(received):
    for words in (["a,b"], ["a", "b"]):
        _, got = received("pretraining_data", "--input_file", *words, "--output_file", "c", "--vocab_file", "v")
        assert [str(path) for path in got["input_file"]] == ["a", "b"]


def test_the_networks_file_may_hold_options_which_flags_override(received, tmp_path):
    file = tmp_path / "network.json"
    file.write_text(json.dumps({"hidden_size": 24, "hidden_dropout_prob": 0.0, "batch_size": 5, "train_steps": 7,
                                "Lamb": {"power": 1.0}, "epoch_num": 3}))
    _, got = received("pretrain", "--state_dir", "s", "--network", str(file), "--train_steps", "9")
    assert got["network"]["hidden_size"] == 24 and got["network"]["hidden_dropout_prob"] == 0.0
    assert (got["batch_size"], got["train_steps"]) == (5, 9)
    assert (got["Lamb"]["power"], got["Lamb"]["learning_rate"]) == (1.0, 3e-4)
    assert "epoch_num" not in got


def test_a_network_json_beside_a_checkpoint_will_do(received, tmp_path):
    file = tmp_path / "network.json"
    file.write_text(json.dumps({"network": {"hidden_size": 24, "relative_positions": "none"}, "step": 3}))
    _, got = received("pretrain", "--state_dir", "s", "--network", str(file))
    assert got["network"]["hidden_size"] == 24 and got["network"]["relative_positions"] == "none"


@pytest.mark.parametrize("given, differing", [
    ({"hidden_dropout_prob": 0.0}, {"hidden_dropout_prob": 0.0}), ({"vocab_size": None}, {}),
    ({"use_relative_positions": False}, {"use_relative_positions": False, "relative_positions": "none"}),
    ({"bert_network": "base"}, {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
                                "intermediate_size": 3072, "use_relative_positions": False,
                                "relative_positions": "none"})])
def test_finetuning_takes_from_the_checkpoint_what_is_not_given(received, tmp_path, given, differing):
    base = config.validated(config.Network, {})
    stored = {**config.plain(base), "hidden_size": 24, "num_attention_heads": 2, "hidden_act": "relu", "vocab_size": 99,
              "layer_norm_eps": 1e-7, "use_relative_positions": True, "relative_position_kind": "zoo",
              "relative_positions": "zoo"}
    (tmp_path / "network.json").write_text(json.dumps({"network": stored, "provenance": {}}))
    _, got = received("finetune", "ner", "--network", json.dumps(given), "--load_pretrain_checkpoint_path",
                      str(tmp_path / "model.ckpt"))
    assert got["network"] == {**stored, **differing}
    _, got = received("finetune", "ner", "--network", json.dumps(given))
    assert got["network"]["hidden_act"] == "gelu" and got["network"]["hidden_size"] == 768


@pytest.mark.parametrize("arguments, said", [
    (["--batch_size", "0"], "--batch_size is 0, but should be greater than 0"),
    (["--Lamb", '{"lr": 1}'], "--Lamb: lr is no known key"),
    (["--network", '{"hidden_size": 10}'], "hidden_size 10 is not divisible by num_attention_heads 12"),
    (["--network", "nowhere.json"], "nowhere.json cannot be read: No such file"),
    (["--network", "{oops"], "{oops is not valid JSON"),
    (["--network", '{"network": {"hiden_size": 8}}'], "hiden_size is no known key (did you mean hidden_size?)"),
])
def test_a_value_that_cannot_be_is_one_sentence(arguments, said, capsys):
    assert cli.main(["pretrain", "--state_dir", "s", "--network", "{}", *arguments]) == cli.EXIT_BAD_INPUT
    [line] = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: ") and said in line


@pytest.mark.parametrize("values, said", [
    ({"batch_size": "x"}, "--network: batch_size is 'x', but should be an integer"),
    ({"Lamb": {"power": "x"}}, "--network: Lamb.power is 'x', but should be "),
    ({"Lamb": 3}, "--network: Lamb is 3, but should be a section"),
    ({"do_shuffle": "maybe"}, "--network: do_shuffle is 'maybe', but should be "),
])
def test_a_wrong_option_in_the_networks_file_is_bad_input(values, said, tmp_path, capsys):
    file = tmp_path / "network.json"
    file.write_text(json.dumps(values))
    assert cli.main(["pretrain", "--state_dir", "s", "--network", str(file)]) == cli.EXIT_BAD_INPUT
    [line] = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: ") and said in line


def test_what_is_not_known_is_not_claimed(received):
    _, got = received("evaluate", "--task", "cluener", "--gold", "g", "--predictions", "p", "--output", "o")
    assert [got[name] for name in ("network", "variant", "seed", "split")] == [None] * 4
    _, got = received("pretrain_eval", "--checkpoint", "c", "--data_dir", "d", "--output", "o")
    assert got["split"] is None


def test_interrupted_exits_75(received, capsys):
    def stop():
        raise Interrupted("step 3 is saved")
    code, _ = received("pretrain", "--state_dir", "s", "--network", "{}", stage=stop)
    assert code == 75
    assert "step 3 is saved" in capsys.readouterr().err


@pytest.mark.parametrize("command, code", [
    ("pretrain --state_dir s --network {}", 75), ("schema --data_dir d --vocab_file v --output o", 143)])
def test_sigterm_before_or_after_training_counts_as_interrupted_too(received, command, code):
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            received(*command.split(), stage=lambda: signal.raise_signal(signal.SIGTERM))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == code


def test_bad_input_is_one_line_on_standard_error_and_in_the_log(tmp_path):
    log = tmp_path / "logs" / "clean.log"
    done = subprocess.run([sys.executable, "-m", "dump2bert.cli", "--log", log, "clean", "--input_file", tmp_path / "none",
                           "--output", tmp_path / "out.txt", "--statistics", tmp_path / "out.json"],
                          capture_output=True, text=True)
    assert done.returncode == 1
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("error: ") and str(tmp_path / "none") in line
    assert line in log.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


def test_jobs_of_a_stage_are_told_apart_on_the_terminal(tmp_path):
    log = tmp_path / "logs" / "sample" / "small.log"
    done = subprocess.run([sys.executable, "-m", "dump2bert.cli", "--log", log, "sample", "--articles", "100",
                           "--records", "5", "--output_dir", tmp_path / "world"], capture_output=True, text=True, check=True)
    assert done.stderr.startswith("sample small: ")
    assert done.stderr.removeprefix("sample small: ").splitlines()[0] in log.read_text()
