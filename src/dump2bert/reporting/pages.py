"""Fills page.html: one page about a whole run, or about one task of it."""

from pathlib import Path

import jinja2
from markupsafe import Markup

from dump2bert.reporting import configuration, corpus, networks, scores
from dump2bert.reporting.numbers import count, duration, percent
from dump2bert.reporting.pipeline import pipeline_figure
from dump2bert.reporting.table import table

HERE = Path(__file__).parent
EXAMPLES, EXAMPLES_OF_TASK_PAGE = 8, 40


def page(found, about, task=None):
    """The HTML text of a page. The same arguments give the same text.

    `found`: from collect.collect; `about`: from provenance.provenance; `task`: name of the page's task, or None.
    """
    nets, jobs = found["networks"], found["jobs"]
    phases = networks.phases(nets)
    colours = networks.colours_of(dict.fromkeys([*nets, *phases]))
    pretrained = {name: phase for name, phase in phases.items() if phase["steps"]}
    instances = found["pretraining_data"]
    examples = EXAMPLES_OF_TASK_PAGE if task else EXAMPLES
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE), autoescape=True, trim_blocks=True,
                                     lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters.update(count=count, percent=percent, duration=duration, svg=Markup)
    return environment.get_template("page.html").render(
        style=Markup((HERE / "page.css").read_text(encoding="utf-8")),
        script=Markup((HERE / "page.js").read_text(encoding="utf-8")),
        title=found["config"].get("report", {}).get("title", "dump2bert"),
        language=found["config"].get("corpus", {}).get("language", ""),
        task=task, about=about, lede=lede(found),
        summary=scores.summary(found["tasks"]), evaluation=networks.evaluation_summary(nets, instances),
        tasks=[scores.task_section(name, one, colours, examples)
               for name, one in found["tasks"].items() if one["groups"]],
        settings=networks.settings_table(phases, jobs), evaluation_table=networks.evaluation_table(nets, instances),
        curves=networks.curves(pretrained, colours),
        network_legend=[(name, colours[name]) for name in pretrained],
        corpus=corpus.corpus_section(found), pretraining_data=corpus.instances_table(instances),
        instance_figures=corpus.instance_figures(instances),
        pipeline=pipeline_figure(jobs), times=times_table(jobs),
        configuration=configuration.as_text(found["config"]),
    )


def lede(found):
    """Sentences that say what this run is."""
    tasks = {name: task["groups"] for name, task in found["tasks"].items() if task["groups"]}
    train, text = found["pretraining_data"].get("train"), found["corpus"]
    sentences = []
    if text and train:
        sources = list(found["sources"])
        sentences.append(f"{count(text['total']['documents'])} documents of {listed(sources) or 'the corpus'} became "
                         f"{count(train['instances'])} training instances of up to {train['max_seq_length']} tokens.")
    steps = {name: sum(part[-1]["step"] for part in (network["steps"], (network["phase1"] or {}).get("steps")) if part)
             for name, network in found["networks"].items() if network["steps"]}
    if steps:
        numbers = list(map(count, steps.values()))
        each = " each" if len(steps) > 1 and len(set(numbers)) == 1 else ""
        told = numbers[0] if len(set(numbers)) == 1 else listed(numbers)
        sentences.append(f"The network{'s' * (len(steps) > 1)} {listed(steps)} {'were' if len(steps) > 1 else 'was'} "
                         f"pretrained for {told} steps{each}.")
    if tasks:
        finetuned = dict.fromkeys(group["network"] for groups in tasks.values() for group in groups)
        sentences.append(f"Finetuned and scored: {listed(finetuned)} on {listed(tasks)}.")
    return " ".join(sentences)


def listed(words):
    """"a", "a and b", "a, b and c"."""
    words = list(words)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def times_table(jobs):
    """Wall time, memory and load of every job, and the sum."""
    rows = [[job["stage"], " ".join(job["what"]), duration(job["seconds"]),
             count(job["memory"]), percent(job["load"] / 100) if job["load"] is not None else "–"] for job in jobs]
    if not rows:
        return None
    rows.append(["all", "one after the other", duration(sum(job["seconds"] or 0 for job in jobs)), "", ""])
    return table(["stage", "of", "wall time", "peak memory, MB", "mean load of a core"], rows, text_columns=2,
                 caption="What each job took, as Snakemake measured it. Jobs may have run side by side, and on other "
                         "machines than the one that wrote this page.")
