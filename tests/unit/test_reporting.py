"""Pages about a run: what they show, that they need nothing but themselves, and what they leave out."""

import html
import json
import re
import xml.etree.ElementTree as ElementTree

import pytest

from dump2bert.cli import COMMANDS
from dump2bert.digest import closure, contents
from dump2bert.errors import BadInput
from dump2bert.files import write_json
from dump2bert.reporting import numbers
from dump2bert.reporting.bars import dot_plot, histogram
from dump2bert.reporting.collect import STAGES, collect
from dump2bert.reporting.examples import chosen, compared, counted
from dump2bert.reporting.lines import BINS, binned, line_chart
from dump2bert.reporting.networks import EVALUATION, evaluations, phases, settings_table
from dump2bert.reporting.pages import page
from dump2bert.reporting.pipeline import FLOWS, PLACES
from dump2bert.reporting.scores import summary
from dump2bert.stages import report

ABOUT = {"when": "2001-02-03 04:05 UTC", "commit": "0123456789ab", "machine": "an abacus",
         "versions": {"dump2bert": "0", "mindspore": "2.10.0"}}
CONFIG = {
    "report": {"title": "A <small> run"},
    "corpus": {"language": "zh", "sources": {"wiki": {}}},
    "networks": {name: {"start": "pretrain", "num_hidden_layers": 2, "hidden_size": 128, "pretrain": {
        "optimizer": "Lamb", "Lamb": {"learning_rate": 3e-4}, "batch_size": 64}} for name in ("base", "nezha")},
    "tasks": {"cluener": {"kind": "ner", "networks": ["base"], "use_crf": [False, True], "seeds": [1, 2]}},
}
GOLD = [{"text": "张三去<北京>", "label": {"name": {"张三": [[0, 1]]}, "address": {"<北京>": [[3, 6]]}}},
        {"text": "没有", "label": {}}]
PREDICTED = [{"id": 0, "label": {"name": {"张三": [[0, 1]]}, "scene": {"北京": [[4, 5]]}}}, {"id": 1, "label": {}}]


def json_lines(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values), encoding="utf-8")


def metrics(f1, clue, gold, **more):
    return {"task": "cluener", "split": "dev", "records": 2,
            "seconds": 0.5, "samples_per_second": 4.0, "ms_per_step": 9.0,
            "inputs": {str(gold): "ab" * 32, "somewhere/predictions.json": "cd" * 32},
            "metrics": {"standard": {"precision": 0.5, "recall": 0.5, "f1": f1, "macro_f1": 0.25, "per_type": {
                "name": {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1},
                "address": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 3}}},
                "zoo": {"clue_benchmark": clue, "accuracy": 0.99}}, **more}


def steps(number=3):
    return [{"step": step, "epoch": 1, "loss": 9.0 / step, "mlm_loss": 8.0 / step, "nsp_loss": 0.7,
             "learning_rate": 1e-4, "loss_scale": 65536.0, "overflow": False, "global_norm": None,
             "tokens_per_second": 1000.0}
            for step in range(1, number + 1)]


@pytest.fixture
def results(tmp_path):
    """A results folder with a little of everything, and leftovers of a network and a task that are not configured."""
    folder = tmp_path / "results"
    gold = folder / "sample/cluener/dev.json"
    json_lines(gold, GOLD)
    for network in ("base", "nezha", "xlnet"):
        json_lines(folder / "networks" / network / "pretrain/metrics.jsonl", steps())
        write_json(folder / "networks" / network / "pretrain_eval/metrics.json",
                   {"mlm_accuracy": 0.4321, "nsp_accuracy": 0.9, "mlm_loss": 2.0, "nsp_loss": 0.3, "instances": 812,
                    "mlm_perplexity": 7.389, "majority_mlm_accuracy": 0.0617})
        for variant, by_seed in (("cluener", (0.5, 0.6)), ("cluener-crf", (0.7, 0.8)), ("oldtask", (0.1, 0.2))):
            for seed, f1 in enumerate(by_seed, 1):
                run = folder / "networks" / network / "tasks" / variant / f"seed-{seed}"
                json_lines(run / "predictions.json", PREDICTED)
                write_json(run / "metrics.json", metrics(f1, 0.3456, gold, network=network, variant=variant, seed=seed))
    lengths = {"documents": 10, "sentences": 40, "characters": 400, "length_histogram": [30, 10]}
    write_json(folder / "corpus/statistics.json", {
        "held_out_share": 0.02, "length_edges": [1, 10], "parts": {},
        "total": {"documents_before_duplicates": 16, "duplicates_dropped": 2, "near_duplicates_dropped": 1,
                  "dropped_by_rules": 3, **lengths, "train": lengths, "held_out": lengths,
                  "dropped_documents": {
                      "numbers": {"count": 3, "examples": [{"text": "1 2 <3>"}]},
                      "nearly equal to another": {"count": 1, "examples": [{"text": "as it", "like": "like that"}]}},
                  "dropped": {"no letters": {"count": 3, "examples": ["12 & <i>34</i>"]}}}})
    write_json(folder / "pretraining_data/train/statistics.json", {
        "instances": 77123, "max_seq_length": 64, "random_next_rate": 0.512, "shards": {"part-0": {}},
        "length_histogram": {"1-16": 7, "17-32": 5}})
    write_json(folder / "pretraining_data/held_out/statistics.json", {"instances": 812, "random_next_rate": 0.3983})
    for name in ("pretrain/base", "pretrain/xlnet", "finetune/base/cluener-crf-1", "finetune/base/oldtask-1", "split"):
        path = folder / "benchmarks" / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("s\th:m:s\tmax_rss\tmean_load\n61.5\t0:01:01\tNA\t-\n")
    return folder


def text_of(page_text):
    """What a reader sees of a page, without tags and style."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", page_text, flags=re.S)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body)))


# ------------------------------------------------------------------------------------------------------------- pages


def test_page_needs_nothing_but_itself(results):
    text = page(collect(results, CONFIG), ABOUT)
    assert not re.search(r"<(link|img|iframe|script src)|url\((?!#)|@import|https?://(?!www\.w3\.org/2000/svg)", text)
    for anchor in re.findall(r'href="([^"]*)"', text):
        assert anchor.startswith("#") and f'id="{anchor[1:]}"' in text


def test_same_results_give_the_same_page(results):
    assert page(collect(results, CONFIG), ABOUT) == page(collect(results, CONFIG), ABOUT)


def test_scores_are_the_mean_over_the_seeds_with_their_spread(results):
    text = text_of(page(collect(results, CONFIG), ABOUT))
    assert "0.5500 ± 0.0707" in text and "0.7500 ± 0.0707" in text
    assert "CLUE benchmark 0.3456 ± 0.0000" in text
    assert "0.4321" in text and "0.0617" in text and "0.6017" in text


@pytest.mark.parametrize("method, shown", [("accuracy", "accuracy"), ("f1", "F1"), ("mcc", "Matthews"), (None, "accuracy")])
def test_the_summary_of_a_classification_shows_what_its_benchmark_counts(method, shown):
    scores = {"accuracy": 0.5, "f1": 0.4, "matthews": 0.1}
    run = {"seed": 1, "metrics": {"split": "dev", "records": 2, "metrics": {"standard": scores, "zoo": {"accuracy": 0.5}}}}
    table = summary({"news": {"spec": {"kind": "classification", "assessment_method": method}, "groups": [
        {"network": "base", "use_crf": False, "runs": [run]}]}})
    assert text_of(table["rows"][0][3]).split()[0] == shown


def test_numbers_say_split_records_seeds_and_family(results):
    text = text_of(page(collect(results, CONFIG), ABOUT))
    assert "dev, 2" in text and "mean over the seeds 1, 2 ± standard deviation" in text
    assert "Standard metrics" in text and "Zoo metrics" in text
    assert "Fractions from 0 to 1, split dev, 2 records" in text
    assert "ab" * 32 in text
    assert "0123456789ab" in text and "an abacus" in text and "2001-02-03" in text


@pytest.fixture
def two_phases(results):
    """The configuration of a run whose network base was pretrained in two phases, and its results."""
    phase1 = results / "networks/base/pretrain/phase1"
    json_lines(phase1 / "metrics.jsonl", steps(90))
    trained = {"step": 10, "updates": 7, "rollbacks": 2, "data": "of phase 2"}
    write_json(phase1 / "network.json", {"network": {"seq_length": 128}, "provenance": {"step": 90, "updates": 90}})
    write_json(phase1.parent / "network.json", {"network": {"seq_length": 512}, "provenance": trained})
    (results / "benchmarks/pretrain/phase1").mkdir()
    (results / "benchmarks/pretrain/phase1/base.tsv").write_text("s\tmax_rss\tmean_load\n7384\t1\t1\n")
    write_json(results / "pretraining_data/phase2/held_out/statistics.json", {"random_next_rate": 0.25})
    first = {**CONFIG["networks"]["base"]["pretrain"], "batch_size": 64}
    second = {**first, "batch_size": 16, "optimizer": "AdamWeightDecay", "AdamWeightDecay": {"learning_rate": 5e-5}}
    networks = {name: {**CONFIG["networks"][name], "pretrain": pretrain}
                for name, pretrain in (("base", {**first, "phase2": second}), ("nezha", {**first, "phase2": None}))}
    return {**CONFIG, "networks": networks, "pretraining_data": {"phase2": {"max_seq_length": 512}}}


def test_each_of_two_phases_has_its_own_settings_steps_and_time(results, two_phases):
    found = collect(results, two_phases)
    head, rows = settings_of(found)
    assert head == ["", "base, phase 1", "base, phase 2", "nezha"]
    assert rows["batch size per device"] == ["64", "16", "64"]
    assert rows["optimizer"] == ["Lamb", "AdamWeightDecay", "Lamb"]
    assert rows["peak learning rate"] == ["3e-4", "5e-5", "3e-4"]
    assert rows["steps"] == ["90", "10", "3"] and rows["sequence length"] == ["128", "512", "–"]
    assert rows["time of the job"] == ["2 h 03 min", "1 min 02 s", "–"]
    assert rows["start"] == ["pretrained in this run", "the weights of phase 1", "pretrained in this run"]
    text = page(found, ABOUT)
    assert 'data-name="base, phase 1"' in text and "phase1 base" in text_of(text)
    assert "base and nezha were pretrained for 93 and 3 steps" in text_of(text)


def test_a_second_phase_that_is_no_longer_configured_is_not_shown(results, two_phases):
    found = collect(results, CONFIG)
    assert settings_of(found)[0] == ["", "base", "nezha"] and "phase1 base" not in text_of(page(found, ABOUT))
    assert settings_of(collect(results, None))[0][1:3] == ["base, phase 1", "base, phase 2"]


def test_guessing_is_that_of_the_instances_on_which_a_network_was_evaluated(results, two_phases):
    found = collect(results, two_phases)
    evaluated, _ = evaluations(found["networks"], EVALUATION, found["pretraining_data"])
    assert {name: values["majority_nsp_accuracy"] for name, values in evaluated.items()} == {
        "base": 0.75, "nezha": pytest.approx(0.6017)}


def test_a_step_that_was_left_out_after_a_rollback_is_none_that_was_skipped_for_overflow(results, two_phases):
    assert settings_of(collect(results, two_phases))[1]["steps skipped for overflow"] == ["0", "1", "–"]


def settings_of(found):
    """The head and the rows, by their titles, of the table of networks."""
    table = settings_table(phases(found["networks"]), found["jobs"])
    return table["head"], {title: cells for title, *cells in table["rows"]}


def test_one_seed_has_no_spread(results):
    config = {**CONFIG, "tasks": {"cluener": {**CONFIG["tasks"]["cluener"], "seeds": [2]}}}
    text = text_of(page(collect(results, config), ABOUT))
    assert "0.6000" in text and "±" not in text.partition("Entities")[0].replace("± their standard deviation", "")


def test_leftovers_of_other_configurations_are_not_shown(results):
    found = collect(results, CONFIG)
    assert list(found["networks"]) == ["base", "nezha"]
    assert [(group["network"], group["variant"]) for group in found["tasks"]["cluener"]["groups"]] == \
        [("base", "cluener"), ("base", "cluener-crf")]
    assert sorted((job["stage"], *job["what"]) for job in found["jobs"]) == \
        [("finetune", "base", "cluener-crf-1"), ("pretrain", "base"), ("split",)]
    text = page(found, ABOUT)
    assert "xlnet" not in text and "oldtask" not in text


def test_without_a_configuration_all_that_is_found_is_shown(results):
    found = collect(results, None)
    assert set(found["networks"]) == {"base", "nezha", "xlnet"} and set(found["tasks"]) == {"cluener", "oldtask"}
    assert "oldtask" in page(found, ABOUT)


def test_page_of_a_task_has_its_networks_and_no_corpus(results):
    config = {**CONFIG, "tasks": {**CONFIG["tasks"], "oldtask": {"networks": ["nezha"]}}}
    found = collect(results, config, "cluener")
    text = page(found, ABOUT, "cluener")
    assert list(found["tasks"]) == ["cluener"] and list(found["networks"]) == ["base"]
    assert "Task cluener" in text and "77,123" not in text and "0.4321" not in text


def test_page_is_made_before_anything_is_there(tmp_path):
    text = page(collect(tmp_path, CONFIG), ABOUT)
    assert "Configuration" in text and "Task cluener" not in text
    assert page(collect(tmp_path, None), ABOUT)


def test_page_is_made_without_pretrain_eval_and_predictions(results):
    for path in results.glob("networks/base/**/*"):
        if path.name == "predictions.json" or path.parent.name == "pretrain_eval":
            path.unlink()
    text = page(collect(results, CONFIG, "cluener"), ABOUT, "cluener")
    assert "0.5500" in text and "<h3>Examples" not in text and "Pretraining, step by step" in text


def test_dropped_documents_are_shown_with_their_rule_and_what_they_are_like(results):
    text = page(collect(results, CONFIG), ABOUT)
    assert "numbers: 3" in text and "1 2 &lt;3&gt;" in text
    assert "nearly equal to another: 1" in text and "like:</small> like that" in text


def test_texts_are_escaped(results):
    text = page(collect(results, CONFIG), ABOUT)
    assert "<i>34" not in text and "12 &amp; &lt;i&gt;34&lt;/i&gt;" in text
    assert "A &lt;small&gt; run" in text and '<span class="missed">&lt;</span>' in text


def test_steps_that_a_resumed_run_did_again_count_once(results):
    path = results / "networks/base/pretrain/metrics.jsonl"
    json_lines(path, [*steps(3), {**steps(2)[1], "loss": 5.0}])
    found = collect(results, CONFIG)["networks"]["base"]["steps"]
    assert [line["step"] for line in found] == [1, 2, 3] and found[1]["loss"] == 5.0


def test_null_losses_do_not_break_the_page(results):
    json_lines(results / "networks/base/pretrain/metrics.jsonl", [{**line, "loss": None} for line in steps()])
    assert page(collect(results, CONFIG), ABOUT)


# ------------------------------------------------------------------------------------------------------------- stage


def test_stage_writes_the_page_from_json_text_and_from_a_file(results, tmp_path):
    write_json(tmp_path / "config.json", CONFIG)
    for name, config in (("a", json.dumps(CONFIG)), ("b", str(tmp_path / "config.json"))):
        report.run(results_dir=results, output=tmp_path / name / "index.html", config=config, task=None)
    first, second = ((tmp_path / name / "index.html").read_text() for name in "ab")
    written = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")
    assert written.sub("", first) == written.sub("", second) and "cluener" in first


@pytest.mark.parametrize("values, message", [
    ({"task": "nonsense"}, "nonsense is no task of this run: cluener"),
    ({"config": "{"}, "not valid JSON"),
    ({"config": "missing.json"}, "missing.json"),
])
def test_stage_says_what_is_wrong(results, tmp_path, values, message):
    with pytest.raises(BadInput, match=message):
        report.run(**{"results_dir": results, "output": tmp_path / "x.html", "config": json.dumps(CONFIG), "task": None,
                      **values})
    assert not (tmp_path / "x.html").exists()


def test_style_and_template_are_in_the_digest():
    assert {"dump2bert.reporting.pages", "dump2bert.reporting.lines"} <= closure("stages.report")
    assert {"dump2bert.reporting/page.html", "dump2bert.reporting/page.css", "dump2bert.reporting/page.js"} <= \
        {name for name, _ in contents("dump2bert.reporting")}


def test_the_pipeline_shows_every_command_of_a_run():
    beside = {"import", "export", "join", "launch", "inspect"}      # no steps of a run, or only of some
    assert set(PLACES) == set(COMMANDS) - beside == {*STAGES, "report"} - beside
    assert {stage for flow in FLOWS for stage in flow} == set(PLACES)


def test_the_parts_of_a_source_are_one_row(results):
    for number, characters in enumerate((70, 30)):
        write_json(results / f"corpus/articles/wiki-0000{number}-of-00002.json", {
            "pages": 10, "redirects": 1, "other_namespaces": 2, "is_whole": True, "articles": 6, "characters": characters,
            "left_out": [{"id": str(number)}]})
    write_json(results / "corpus/articles/wiki.json", {"articles": 1000})      # of a run before it was cut
    config = {**CONFIG, "corpus": {"sources": {"wiki": {"index": ["i"]}}}, "extract": {"parts": 2}}
    extracted = collect(results, config)["sources"]["wiki"]["extract"]
    assert (extracted["pages"], extracted["articles"], extracted["characters"], len(extracted["left_out"])) == (20, 12, 100, 2)


# ---------------------------------------------------------------------------------------------------------- examples


def test_spans_are_right_wrong_or_missed():
    example = compared(0, GOLD[0], PREDICTED[0])
    assert example["spans"] == [(0, 2, "name", "right"), (3, 7, "address", "missed"), (4, 6, "scene", "wrong")]
    assert counted([example]) == {"right": 1, "wrong": 1, "missed": 1}


def test_overlapping_spans_cut_the_text_without_loss():
    example = compared(0, GOLD[0], PREDICTED[0])
    assert "".join(text for text, _, _ in example["pieces"]) == GOLD[0]["text"]
    assert [(text, verdicts) for text, verdicts, _ in example["pieces"]] == [
        ("张三", ["right"]), ("去", []), ("<", ["missed"]), ("北京", ["missed", "wrong"]), (">", ["missed"])]
    assert [ending for _, _, ending in example["pieces"]] == \
        [[("name", "right")], [], [], [("scene", "wrong")], [("address", "missed")]]


def test_wrong_type_at_the_right_place_is_wrong_and_missed():
    gold = {"text": "北京", "label": {"address": {"北京": [[0, 1]]}}}
    assert counted([compared(0, gold, {"label": {"scene": {"北京": [[0, 1]]}}})]) == {"right": 0, "wrong": 1, "missed": 1}


def test_examples_are_taken_at_even_distances():
    examples = [{"number": number, "spans": [number] if number % 2 else []} for number in range(200)]
    assert [example["number"] for example in chosen(examples, 4)] == [25, 75, 125, 175]
    assert len(chosen(examples[:6], 4)) == 3


# ----------------------------------------------------------------------------------------------------------- figures


def test_long_curves_become_means_over_bands():
    points = [(step, float(step % 2)) for step in range(10 * BINS)]
    bins = binned(points)
    assert len(bins) == BINS and all((mean, low, high) == (0.5, 0.0, 1.0) for _, mean, low, high in bins)
    assert binned([(2, 5.0), (1, 4.0)]) == [(1, 4.0, 4.0, 4.0), (2, 5.0, 5.0, 5.0)]


def test_figures_are_well_formed_and_survive_odd_values():
    drawings = [
        line_chart("a & b", [("<x>", "s0", [(1, 2.0), (2, float("nan")), (3, float("inf"))])], "<", reference=(2, "&")),
        line_chart("constant", [("x", "s0", [(step, 3.0) for step in range(5)])]),
        line_chart("below zero", [("x", "s0", [(1, -0.2), (2, -0.1)])], from_zero=True),
        line_chart("zero", [("x", "s0", [(0, 0.0)])], from_zero=True),
        histogram("<h>", [(1, 9, 3), (10, None, 4)], "<u>"),
        dot_plot("<d>", [("<t>", "3")], [("<s>", "s0 open", {"<t>": [0.1, 0.2]})], "F1"),
    ]
    for drawing in drawings:
        ElementTree.fromstring(drawing)
    assert line_chart("empty", [("x", "s0", [(1, float("nan"))])]) == "" == histogram("empty", [(1, 2, 0)], "")


def test_a_curve_stays_within_its_frame():
    svg = line_chart("x", [("x", "s0", [(step, 100.0 if step == 50 else 1.0) for step in range(100)])])
    heights = [float(point.split(",")[1]) for point in re.search(r'points="([^"]*)"', svg)[1].split()]
    assert 12 <= min(heights) and max(heights) <= 214 and ">100<" not in svg.partition('class="axis"')[0]


# ----------------------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize("value, text", [
    (0, "0"), (3e-5, "3e-5"), (2.5, "2.5"), (12345, "12.3k"), (2e6, "2M"), (None, "–"), (0.002, "0.002"),
    (9999, "9999"), (-0.00025, "-2.5e-4"), (float("nan"), "nan")])
def test_short_numbers(value, text):
    assert numbers.short(value) == text


@pytest.mark.parametrize("seconds, text", [(0.44, "0.4 s"), (59.97, "1 min 00 s"), (75, "1 min 15 s"),
                                           (3675, "1 h 01 min")])
def test_durations(seconds, text):
    assert numbers.duration(seconds) == text


@pytest.mark.parametrize("share, text", [(0.1234, "12.3 %"), (1, "100.0 %"), (0.9999, "99.99 %"), (0, "0.0 %"),
                                         (0.00004, "0.004 %")])
def test_percent_does_not_round_something_to_nothing_or_all(share, text):
    assert numbers.percent(share) == text


def test_ticks_are_round_and_cover_the_values():
    assert numbers.ticks(0.13, 0.78, 4) == [0, 0.2, 0.4, 0.6, 0.8]
    assert numbers.ticks(5, 5)[0] < 5 < numbers.ticks(5, 5)[-1]
