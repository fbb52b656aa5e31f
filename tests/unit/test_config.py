"""The configuration says in one sentence what is wrong, and everything that is said about it is true."""

import re
import subprocess
import sys

import pytest
import yaml
from snakemake.utils import update_config

from dump2bert.config import load_config
from dump2bert.errors import BadInput
from tests.conftest import PROJECT

SOURCES = {"sources": {"wiki": {"dump": "a"}}}

WRONG = [
    ({"pretrian": {}}, "pretrian is no known key (did you mean pretrain?)"),
    ({"pretrain": {"batch_szie": 3}}, "pretrain.batch_szie is no known key (did you mean batch_size?)"),
    ({"networks": {"base": {"hiden_size": 3}}}, "networks.base.hiden_size is no known key (did you mean hidden_size?)"),
    ({"pretrain": {"batch_size": "many"}}, "pretrain.batch_size is 'many', but should be an integer"),
    ({"pretrain": {"optimizer": "Adam"}}, "pretrain.optimizer is 'Adam', but should be 'Lamb', "),
    ({"networks": {"base": 3}}, "networks.base is 3, but should be a section"),
    ({"networks": 3}, "networks is 3, but should be a section"),
    ({"networks": {"base": {"hidden_size": 30}}}, "hidden_size 30 is not divisible by num_attention_heads 12"),
    ({"networks": {"nezha": {"bert_network": "nezha", "initial_attention": "local"}}},
     "initial_attention local is for absolute positions"),
    ({"pretraining_data": {"max_seq_length": 16}}, "max_predictions_per_seq 20 is above max_seq_length 16"),
    ({"tasks": {"cluener": {"kind": "ner"}}}, "tasks.cluener: a task needs data"),
    ({"tasks": {"cluener": {"train": ["a", "b"], "dev": "c", "archive": "d"}}}, "name one member each"),
    ({"tasks": {"cluener": {"train": "a", "dev": "b", "test": ["c", "d"], "archive": "e"}}}, "name one member each"),
    ({"tasks": {"cluener": {"train": "a", "dev": "b", "sha256": "ab" * 32}}}, "sha256 is that of an `archive`"),
    ({"tasks": {"cluener": {"train": "a", "dev": "b", "networks": ["bse"]}}, "networks": {"base": {}}},
     "tasks.cluener.networks names 'bse', which is not under networks (did you mean base?)"),
    ({"tasks": {"Clue": {"train": "a", "dev": "b"}}}, "'Clue' is no good name"),
    ({"networks": {"base": {"max_position_embeddings": 64}}}, "networks.base.max_position_embeddings is 64"),
    ({"corpus": {"sources": {"wiki": {"dump": "a", "text": "b"}}}}, "a source has either `dump` or `text`"),
    ({"networks": {"base": {}}}, "corpus.sources is empty"),
    ({"corpus": {"sources": {"wiki": {"dump": ["https://a/b", "ftp://a/b"]}}}},
     "corpus.sources.wiki.dump: ftp://a/b cannot be fetched: only https, http, file and paths are known"),
    ({1: 2}, "1 is no key: keys are words"),
    ({"networks": {"base": {"dtype": "float16"}}}, "networks.base.dtype is 'float16', but should be 'float32'"),
    ({"networks": {"base": {"pretrain": {"phase2": {"train_steps": 4}}}}}, "pretrain has a phase2, but pretraining_data has none"),
    ({"pretraining_data": {"phase2": {"max_seq_length": 16}}}, "max_predictions_per_seq 20 is above max_seq_length 16"),
    ({"pretraining_data": {"phase2": {"max_seq_length": 600}}, "pretrain": {"phase2": {"seed": 1}}, "networks": {"base": {}}},
     "networks.base.max_position_embeddings is 512, but sequences of 600"),
    ({"pretraining_data": {"phase2": {"max_seq_length": 256}}, "pretrain": {"phase2": {"seed": 1}},
      "networks": {"base": {"seq_length": 128}}}, "seq_length is 128, but pretraining_data has max_seq_length 128 and 256"),
    ({"pretrain": {"AdamWeightDecay": {"learning_rate": -1}}}, "learning_rate is -1, but should be greater than 0"),
    ({"vocabulary": {"vocab_size": 3}}, "vocabulary.vocab_size is 3, but should be greater than or equal to 10"),
    ({"vocabulary": {"sha256": "zz"}}, "vocabulary.sha256: 'zz' is no SHA-256"),
    ({"tasks": {"cluener": {"train": "a", "dev": "b", "use_crf": []}}}, "tasks.cluener.use_crf"),
    ({"tasks": {"cluener": {"train": "a", "dev": "b", "networks": []}}}, "tasks.cluener.networks"),
    ({"tasks": {"cluener": {"train": "a", "dev": "b", "seeds": [1, 1]}}}, "tasks.cluener.seeds: [1, 1] holds something twice"),
    ({"tasks": {"cluener": {"train": "a", "dev": "b", "seeds": [-1]}}}, "tasks.cluener.seeds.0 is -1"),
    ({"tasks": {"index": {"train": "a", "dev": "b"}}}, "'index' is no good name"),
    ({"corpus": {"sources": {"Wiki-1": {"dump": "a"}}}}, "'Wiki-1' is no good name"),
    ({"networks": {"base": {}, "small": {"like": "bse"}}}, "networks.small.like names 'bse', which is not another one under "
     "networks (did you mean base?)"),
    ({"networks": {"base": {"like": "base"}}}, "networks.base.like names 'base', which is not another one"),
    ({"networks": {"a": {}, "b": {"like": "a"}, "c": {"like": "b"}}}, "networks.c.like names 'b', which is like 'a'"),
    ({"networks": {"base": {"further_pretraining": True}}}, "further_pretraining is for a network that is imported, and start "
     "is pretrain"),
    ({"networks": {"a": {"start": "there", "further_pretraining": True}}}, "corpus.sources is empty"),
    ({"corpus": SOURCES, "pretrain": {"phase2": {"seed": 1}}, "networks": {"a": {"start": "there", "further_pretraining": True}}},
     "networks.a.pretrain has a phase2, but pretraining_data has none"),
    ({"results": ""}, "results is ''"),
    ({"results": "a,b"}, "results: 'a,b' holds a comma"),
    ({"corpus": {"sources": {"wiki": {"dump": "https://a/b,c"}}}}, "https://a/b,c holds a comma, which stands between addresses"),
    ({"extract": {"parts": 501}}, "extract.parts is 501, but should be less than or equal to 500"),
    ({"split": {"held_out": 2}}, "split.held_out is 2, but should be less than 1"),
]


def test_a_second_phase_says_only_what_differs_from_the_first():
    config = load_config({
        "corpus": SOURCES, "pretraining_data": {"dupe_factor": 3, "phase2": {"max_seq_length": 512}},
        "pretrain": {"train_steps": 90, "Lamb": {"eps": 1e-5}, "phase2": {"train_steps": 10, "Lamb": {"learning_rate": 0.5}}},
        "networks": {"base": {"pretrain": {"batch_size": 7, "phase2": {"batch_size": 2}}},
                     "other": {"pretrain": {"phase2": None}}}})
    data = config.pretraining_data
    assert (data.phase2.max_seq_length, data.phase2.dupe_factor, data.max_seq_length) == (512, 3, 128)
    first, second = config.networks["base"].pretrain, config.networks["base"].pretrain.phase2
    assert [(one.train_steps, one.batch_size, one.Lamb.learning_rate, one.Lamb.eps) for one in (first, second)] == [
        (90, 7, 3e-4, 1e-5), (10, 2, 0.5, 1e-5)]
    assert config.networks["other"].pretrain.phase2.train_steps == 10    # null: as if it were not there


@pytest.mark.parametrize("values, said", WRONG)
def test_a_wrong_configuration_gets_one_sentence(values, said):
    with pytest.raises(BadInput) as error:
        load_config(values)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_snakemake_says_the_sentence_before_any_stage_and_without_a_traceback():
    done = subprocess.run([sys.executable, "-m", "snakemake", "-n", "--config", "pretrain={batch_szie: 3}"],
                          cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "error: config: pretrain.batch_szie is no known key (did you mean batch_size?)" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_network_and_a_task_lay_their_own_options_over_the_sections():
    config = load_config({
        "corpus": SOURCES, "pretrain": {"batch_size": 7, "Lamb": {"learning_rate": "1e-3"}}, "finetune": {"epoch_num": 9},
        "networks": {"base": {}, "wide": {"pretrain": {"batch_size": 8, "Lamb": {"power": 1.0}}}},
        "tasks": {"cluener": {"train": "a", "dev": "b", "finetune": {"AdamWeightDecay": {"power": 3.0}}}}})
    assert config.networks["base"].pretrain.batch_size == 7
    wide = config.networks["wide"].pretrain
    assert (wide.batch_size, wide.Lamb.learning_rate, wide.Lamb.power) == (8, 1e-3, 1.0)
    cluener = config.tasks["cluener"].finetune
    assert (cluener.epoch_num, cluener.AdamWeightDecay.power, cluener.AdamWeightDecay.learning_rate) == (9, 3.0, 2e-5)


def test_a_preset_gives_the_sizes_that_are_not_given():
    networks = load_config({"corpus": SOURCES, "networks": {"nezha": {"bert_network": "nezha", "num_hidden_layers": 4}}}).networks
    nezha = networks["nezha"]
    assert (nezha.hidden_size, nezha.num_hidden_layers, nezha.relative_positions) == (1024, 4, "nezha")


def test_a_network_like_another_has_its_keys_below_its_own():
    networks = load_config({"corpus": SOURCES, "pretrain": {"batch_size": 7}, "networks": {
        "small": {"bert_network": "nezha", "hidden_size": 32, "num_attention_heads": 2, "pretrain": {"seed": 3}},
        "small_random": {"like": "small", "start": "random"},
        "small_other": {"like": "small", "hidden_size": 64, "pretrain": {"batch_size": 9}}}}).networks
    small, random, other = networks["small"], networks["small_random"], networks["small_other"]
    assert random == small.model_copy(update={"like": "small", "start": "random"})
    assert (small.hidden_size, other.hidden_size, other.relative_positions, other.start) == (32, 64, "nezha", "pretrain")
    assert [(n.pretrain.batch_size, n.pretrain.seed) for n in (small, other)] == [(7, 3), (9, 3)]


def test_an_imported_network_is_pretrained_where_it_says_so():
    networks = load_config({"corpus": SOURCES, "networks": {
        "own": {}, "none": {"start": "random"}, "brought": {"start": "there"},
        "adapted": {"like": "brought", "further_pretraining": True}}}).networks
    assert {name: (one.is_imported, one.is_pretrained) for name, one in networks.items()} == {
        "own": (False, True), "none": (False, False), "brought": (True, False), "adapted": (True, True)}
    assert networks["adapted"].start == "there"


def test_null_takes_an_entry_away():
    config = load_config({"corpus": SOURCES, "networks": {"base": {}, "nezha": None}, "pretrain": {"batch_size": None}})
    assert list(config.networks) == ["base"]
    assert config.pretrain.batch_size == 16


def test_the_default_configuration_holds_only_what_differs_from_the_defaults():
    values = yaml.safe_load((PROJECT / "config.yaml").read_text(encoding="utf-8"))
    defaults = load_config({}).model_dump(mode="json")
    for section in set(values) & {"clean", "vocabulary", "pretraining_data", "pretrain", "finetune"}:
        for key, value in values[section].items():
            assert value != defaults[section][key], f"config.yaml: {section}.{key} is the default anyway"


def test_docs_and_schema_say_what_the_model_says():
    subprocess.run([sys.executable, PROJECT / "docs" / "generate.py", "--check"], check=True)


def test_a_language_is_a_code():
    with pytest.raises(BadInput) as error:
        load_config({"corpus": {**SOURCES, "language": "english"}})
    assert str(error.value) == "config: corpus.language: 'english' is no language code, as zh, en, uk and zh-yue are"
    for code in ("zh-min-nan", "simple", "be-tarask", "ja"):
        assert load_config({"corpus": {**SOURCES, "language": code}}).corpus.language == code


def test_the_readmes_examples_are_configurations():
    blocks = re.findall(r"```yaml\n(.*?)```", (PROJECT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        values = yaml.safe_load((PROJECT / "config.yaml").read_text(encoding="utf-8"))
        update_config(values, yaml.safe_load(block))
        config = load_config(values)
        assert config.results != "results" and config.state != "state"
        places = [place for source in config.corpus.sources.values() for place in source.places]
        places += [place for task in config.tasks.values() for place in (*task.train, *task.dev)]
        assert not any(place.startswith("sample:") for place in places)
