"""Recipes are laid over config.yaml, which holds the sample run's tiny values: nothing of these may shine through."""

import copy

import pytest
import yaml
from snakemake.utils import update_config

from dump2bert.config import Config, load_config
from tests.conftest import PROJECT

RECIPES = sorted((PROJECT / "workflow" / "recipes").glob("*.yaml"))
SAMPLE_RUN = yaml.safe_load((PROJECT / "config.yaml").read_text(encoding="utf-8"))
WIDTHS = {"base": (768, 12, 12, 3072), "large": (1024, 24, 16, 4096)}
WIKIS = {"zhwiki-bert-base": "zhwiki", "zhwiki-nezha-base": "zhwiki", "zhwiki-nezha-large": "zhwiki",
         "enwiki-bert-base": "enwiki", "another-language": "ukwiki"}

TASKS = {"enwiki-bert-base": {"cola", "stsb", "squad"}, "another-language": set(), "own-texts": {"mine"}}

every_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)


def read(recipe):
    return yaml.safe_load(recipe.read_text(encoding="utf-8"))


def laid_over(recipe):
    values = copy.deepcopy(SAMPLE_RUN)
    update_config(values, read(recipe))
    return load_config(values)


def shining_through(below, above, place=""):
    """The keys of `below` that hold although `above` is laid over it."""
    for key, value in below.items():
        if key not in above:
            yield f"{place}{key}"
        elif isinstance(value, dict) and isinstance(above[key], dict):
            yield from shining_through(value, above[key], f"{place}{key}.")


def test_the_recipes_are_those_that_the_project_promises():
    assert {path.stem for path in RECIPES} == {*WIKIS, "own-texts"}


@every_recipe
def test_a_recipe_leaves_no_key_as_the_sample_run_has_it(recipe):
    assert list(shining_through(SAMPLE_RUN, read(recipe))) == []


@every_recipe
def test_without_the_sample_run_a_recipe_is_the_same_configuration(recipe):
    assert laid_over(recipe) == load_config(read(recipe))


@every_recipe
def test_networks_have_the_model_zoos_sizes_and_nothing_of_the_tiny_ones(recipe):
    (name, network), = laid_over(recipe).networks.items()
    size = "large" if "large" in recipe.stem else "base"
    assert (network.hidden_size, network.num_hidden_layers, network.num_attention_heads,
            network.intermediate_size) == WIDTHS[size]
    assert (network.initializer_range, network.hidden_dropout_prob, network.attention_probs_dropout_prob,
            network.max_position_embeddings) == (0.02, 0.1, 0.1, 512)
    assert network.relative_positions == ("nezha" if "nezha" in name else "none")
    assert network.pretrain.optimizer == "Lamb" and network.pretrain.Lamb.learning_rate == 3e-4
    # The published batches are those of eight devices.
    batch = network.pretrain.batch_size * network.pretrain.accumulation_steps
    assert batch == {"own-texts": 128, "zhwiki-nezha-large": 8 * 96}.get(recipe.stem, 8 * 256)
    assert network.pretrain.AdamWeightDecay == type(network.pretrain.AdamWeightDecay)()


@every_recipe
def test_sources_are_real_and_checked(recipe):
    config = laid_over(recipe)
    assert config.device_target == "Ascend"
    assert "sample:" not in recipe.read_text(encoding="utf-8")
    assert config.results.startswith("results/") and config.state.startswith("state/")
    for source in config.corpus.sources.values():
        for place in source.dump or ():
            wiki = WIKIS[recipe.stem]
            assert place.startswith("https://")
            assert place.endswith(f"/{wiki}/latest/{wiki}-latest-pages-articles-multistream.xml.bz2")
            assert source.sums_url == f"https://dumps.wikimedia.org/{wiki}/latest/{wiki}-latest-sha1sums.txt"
        assert source.text or len(source.dump) >= 2
        indexes = [place.replace("-multistream.xml.bz2", "-multistream-index.txt.bz2") for place in source.dump or ()]
        assert (source.index or []) == indexes
    assert set(config.tasks) == TASKS.get(recipe.stem, {"cluener", "tnews"})
    for task in config.tasks.values():
        assert len(task.seeds) >= 3 and task.use_crf == ([False, True] if task.kind == "ner" else [False])
        assert set(task.networks or ()) <= set(config.networks)
        assert task.finetune.AdamWeightDecay.learning_rate == 2e-5


def test_a_second_phase_stands_where_absolute_positions_meet_long_contexts():
    for recipe in RECIPES:
        config = laid_over(recipe)
        longest = max([task.finetune.max_seq_length for task in config.tasks.values()], default=0)
        network, = config.networks.values()
        second = config.pretraining_data.phase2
        assert bool(second) == bool(network.pretrain.phase2) == (longest > config.pretraining_data.max_seq_length)
        if second:
            batch = network.pretrain.phase2.batch_size * network.pretrain.phase2.accumulation_steps
            assert second.max_seq_length >= longest and batch == 2048


@every_recipe
def test_a_recipe_says_what_has_not_been_tried_and_what_it_costs(recipe):
    comment = " ".join(line.lstrip("# ") for line in recipe.read_text(encoding="utf-8").splitlines()
                       if line.startswith("#"))
    assert "not been tried" in comment and "Cost." in comment and "model zoo publishes" in comment


def test_shining_through_is_found():
    below = {"a": {"b": 1, "c": 2}, "d": 3, "e": {"f": 4}}
    assert list(shining_through(below, {"a": {"b": None}, "e": None})) == ["a.c", "d"]


def test_every_section_of_the_sample_run_is_one_of_the_configuration():
    assert set(SAMPLE_RUN) <= set(Config.model_fields)
