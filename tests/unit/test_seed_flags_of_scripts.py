"""Every flag of the seed's finetuning scripts and of its launcher: the tables in docs/seed_flags.md name them all, and each is
accepted with its default and with another value. (run_pretrain's: test_seed_flags.py.)"""

import re
from pathlib import Path

import pytest

from dump2bert import cli
from tests.conftest import PROJECT

PAGE = (PROJECT / "docs" / "seed_flags.md").read_text()
FINETUNING, LAUNCHER = (PAGE.partition(f"\n## The {name}\n")[2].partition("\n## ")[0]
                        for name in ("finetuning scripts", "launcher"))
SEED = {
    "ner": "device_target do_train do_eval assessment_method use_crf device_id epoch_num num_class train_data_shuffle "
           "eval_data_shuffle vocab_file_path label2id_file_path save_finetune_checkpoint_path load_pretrain_checkpoint_path "
           "load_finetune_checkpoint_path train_data_file_path eval_data_file_path schema_file_path",
    "squad": "device_target do_train do_eval device_id epoch_num num_class train_data_shuffle eval_data_shuffle "
             "vocab_file_path save_finetune_checkpoint_path load_pretrain_checkpoint_path load_finetune_checkpoint_path "
             "train_data_file_path eval_data_file_path eval_json_path schema_file_path",
    "classifier": "device_target do_train do_eval assessment_method device_id epoch_num num_class train_data_shuffle "
                  "eval_data_shuffle save_finetune_checkpoint_path load_pretrain_checkpoint_path "
                  "load_finetune_checkpoint_path train_data_file_path eval_data_file_path schema_file_path",
}
ROWS = re.findall(r"^\| `--(\w+)` \| ([a-z ]+) \| (\S+) \|", FINETUNING, re.M)
FLAGS = [(script, name, default) for name, scripts, default in ROWS for script in scripts.split()]
LAUNCHER_FLAGS = re.findall(r"^\| `--(\w+)` \| (\S+) \|", LAUNCHER, re.M)
OTHER_VALUES = {"device_target": "CPU", "device_id": "3", "assessment_method": "f1", "epoch_num": "7", "num_class": "2",
                "hccl_time_out": "600"}


@pytest.fixture
def received(monkeypatch):
    """Runs a command with its stage replaced; returns what the stage would get."""
    def call(*words):
        values = {}
        monkeypatch.setattr(f"dump2bert.stages.{words[0]}.run", lambda **got: values.update(got))
        assert cli.main(list(words)) == 0
        return values
    return call


def shown(value):
    """A value as the tables write it."""
    if isinstance(value, (bool, type(None))):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def other(name, default):
    """A value that is not the default."""
    if default in ("true", "false"):
        return "false" if default == "true" else "true"
    return OTHER_VALUES.get(name, f"there/{name}")


def test_the_tables_name_every_flag_of_the_seeds_scripts():
    assert {script: {name for one, name, _ in FLAGS if one == script} for script in SEED} == {
        script: set(names.split()) for script, names in SEED.items()}
    assert dict(LAUNCHER_FLAGS) == {
        "run_script_dir": '""', "hyper_parameter_config_dir": '""', "data_dir": '""', "hccl_config_dir": '""',
        "cmd_file": "distributed_cmd.sh", "hccl_time_out": "120"}


@pytest.mark.parametrize("script, name, default", FLAGS, ids=[f"{script}-{name}" for script, name, _ in FLAGS])
def test_a_flag_of_finetuning_has_its_default_and_takes_another_value(received, script, name, default):
    assert shown(received("finetune", script)[name]) == ("null" if default == '""' else default)
    if default == '""':
        assert received("finetune", script, f"--{name}=")[name] is None
    elif default != "null":
        assert shown(received("finetune", script, f"--{name}={default}")[name]) == default
    value = other(name, default)
    assert shown(received("finetune", script, f"--{name}", value)[name]) == value


def test_a_whole_command_line_of_the_zoos_script_is_taken(received):
    values = received(
        "finetune", "ner", "--device_target=Ascend", "--do_train=true", "--do_eval=false", "--assessment_method=f1",
        "--use_crf=false", "--device_id=0", "--epoch_num=3", "--num_class=41", "--train_data_shuffle=true",
        "--eval_data_shuffle=false", "--vocab_file_path=", "--label2id_file_path=labels.json",
        "--save_finetune_checkpoint_path=", "--load_pretrain_checkpoint_path=model.ckpt",
        "--load_finetune_checkpoint_path=", "--train_data_file_path=train.tfrecord", "--eval_data_file_path=",
        "--schema_file_path=schema.json")
    assert (values["do_eval"], values["num_class"], values["label2id_file_path"]) == (False, 41, Path("labels.json"))
    assert values["save_finetune_checkpoint_path"] is None and values["load_pretrain_checkpoint_path"] == Path("model.ckpt")


@pytest.mark.parametrize("name, default", LAUNCHER_FLAGS)
def test_a_flag_of_the_launcher_takes_a_value_and_has_its_default(received, tmp_path, name, default):
    (tmp_path / "hyper_parameter_config.ini").write_text("[config]\n")    # is read at once
    value = str(tmp_path) if name == "hyper_parameter_config_dir" else other(name, default)
    assert shown(received("launch", f"--{name}", value)[name]) == value
    if name != "cmd_file":
        assert shown(received("launch")[name]) == ("null" if default == '""' else default)


def test_without_cmd_file_the_launcher_writes_the_zoos_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["launch", "--device_target", "CPU", "--device_num", "2", "--run_script_dir", "scripts"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["distributed_cmd.sh"]
