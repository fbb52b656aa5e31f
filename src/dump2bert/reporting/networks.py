"""The networks and their pretraining: sizes, settings, curves, scores on the held-out documents."""

import math
import statistics

from dump2bert.reporting.lines import line_chart
from dump2bert.reporting.numbers import count, duration, fraction, short
from dump2bert.reporting.table import table

STARTS = {"pretrain": "pretrained in this run", "random": "random weights"}
COLOURS = 6
"""Colour classes s0 to s5 of page.css."""


def colours_of(networks):
    return {name: f"s{number % COLOURS}" for number, name in enumerate(networks)}


def phases(networks):
    """The networks as they were pretrained, by what the page calls them: one with two phases is two. Each with the
    `options` of its pretraining, what the `job` was of, and what it `began` with."""
    found = {}
    for name, network in networks.items():
        options = network["spec"].get("pretrain", {})
        began = STARTS.get(network["start"], network["start"]) + (
            ", pretrained further in this run" if network["spec"].get("further_pretraining") else "")
        one = {**network, "options": options, "job": [name], "began": began}
        if not network["phase1"]:
            found[name] = one
            continue
        found[f"{name}, phase 1"] = {**one, **network["phase1"], "job": ["phase1", name]}
        found[f"{name}, phase 2"] = {**one, "options": options.get("phase2", {}), "began": "the weights of phase 1"}
    return found


def curves(networks, colours):
    """The figures over the steps of pretraining: a list of (title, svg), without those that have no data."""
    charts = [
        ("Loss (MLM + NSP)", "loss", {"unit": "nats"}),
        ("MLM loss", "mlm_loss", {"unit": "nats per masked token"}),
        ("NSP loss", "nsp_loss", {"unit": "nats per instance", "reference": (math.log(2), "ln 2: tossing a coin")}),
        ("Learning rate", "learning_rate", {"from_zero": True}),
        ("Speed", "tokens_per_second", {"unit": "tokens per second", "from_zero": True}),
        ("Norm of all gradients", "global_norm", {"from_zero": True}),
    ]
    drawn = []
    for title, key, options in charts:
        series = [(name, colours[name], [(line["step"], line[key]) for line in network["steps"]
                                         if line.get(key) is not None]) for name, network in networks.items()]
        svg = line_chart(title, series, **options)
        if svg:
            drawn.append((title, svg))
    return drawn


def settings_table(networks, jobs):
    """One column for each network, one row for each thing that one wants to know of it."""
    columns = [facts_of(network, jobs) for network in networks.values()]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [[name, *(column.get(name, "–") for column in columns)] for name in names
            if any(column.get(name, "–") != "–" for column in columns)]
    return rows and table(["", *networks], rows, caption="The networks and how they were pretrained.")


def facts_of(network, jobs):
    """{what: text} of one of `phases`: from its network.json, else from the configuration."""
    said = network["network"] or {}
    shape = {**network["spec"], **said.get("network", said)}
    options = {**network["options"], **said.get("pretrain", {})}
    optimizer = options.get("optimizer")
    settings = options.get(optimizer, {}) if optimizer else {}
    steps, trained = network["steps"], said.get("provenance", {})
    seconds = sum(job["seconds"] or 0 for job in jobs if job["stage"] == "pretrain" and job["what"] == network["job"])
    speeds = [line["tokens_per_second"] for line in steps if line.get("tokens_per_second")]
    positions = shape.get("relative_positions") or ("none" if not shape.get("use_relative_positions")
                                                    else shape.get("relative_position_kind"))
    return {
        "start": network["began"],
        "layers": count(shape.get("num_hidden_layers")),
        "hidden size": count(shape.get("hidden_size")),
        "attention heads": count(shape.get("num_attention_heads")),
        "intermediate size": count(shape.get("intermediate_size")),
        "positions": "absolute" if positions == "none" else f"relative ({positions})",
        "vocabulary": count(shape.get("vocab_size")),
        "sequence length": count(shape.get("seq_length")),
        "parameters": count(said.get("parameters")),
        "optimizer": optimizer or "–",
        "peak learning rate": short(settings.get("learning_rate")),
        "weight decay": short(settings.get("weight_decay")),
        "batch size per device": count(options.get("batch_size")),
        "devices": count(options.get("device_num")),
        "accumulation steps": count(options.get("accumulation_steps")),
        "steps": count(trained.get("step", steps[-1]["step"])) if steps else "–",
        "epochs": short(steps[-1].get("epoch")) if steps else "–",
        "steps skipped for overflow": count(trained["step"] - trained["updates"] - trained.get("rollbacks", 0))
        if "updates" in trained else "–",
        "loss, mean of the last tenth": last_tenth([line["loss"] for line in steps if line["loss"] is not None]),
        "tokens per second (median)": count(statistics.median(speeds)) if speeds else "–",
        "time of the job": duration(seconds) if seconds else "–",
        "seed": str(options.get("seed", "–")),
        "data version (digest)": trained.get("data", "–"),
    }


def last_tenth(values):
    return short(statistics.fmean(values[-max(1, len(values) // 10):])) if values else "–"


EVALUATION = (
    ("mlm_accuracy", "MLM accuracy", fraction), ("majority_mlm_accuracy", "always the commonest token", fraction),
    ("mlm_perplexity", "MLM perplexity", short), ("nsp_accuracy", "NSP accuracy", fraction),
    ("majority_nsp_accuracy", "always the commoner answer", fraction),
    ("instances", "instances", count), ("step", "after step", count),
)
MORE_OF_EVALUATION = (
    ("mlm_loss", "MLM loss, nats", fraction), ("nsp_loss", "NSP loss, nats", fraction),
    ("masked_words", "masked tokens", count), ("split", "split", str), ("seed", "seed", str),
    ("data", "data version (digest)", str),
)
"""Keys of pretrain_eval/metrics.json: what the page calls them and how it writes them."""


def evaluation_summary(networks, pretraining_data):
    """The scores on the held-out documents for the top of the page, one row for each network.

    pretraining_data: statistics by split, of which those held out say what guessing would reach on NSP.
    """
    evaluated, columns = evaluations(networks, EVALUATION, pretraining_data)
    rows = [[name, *(form(values.get(key)) for key, _, form in columns)] for name, values in evaluated.items()]
    return rows and table(
        ["network", *(title for _, title, _ in columns)], rows, title="Pretraining",
        caption="On the held-out documents (split held_out, each gone through once). Accuracies are fractions from 0 "
                "to 1, of the masked tokens (MLM) and of the instances (NSP); beside them what one gets by always "
                "guessing the same.")


def evaluation_table(networks, pretraining_data):
    """All that the evaluation says, one column for each network."""
    evaluated, entries = evaluations(networks, EVALUATION + MORE_OF_EVALUATION, pretraining_data)
    rows = [[title, *(form(values[key]) if key in values else "–" for values in evaluated.values())]
            for key, title, form in entries]
    return rows and table(["", *evaluated], rows, title="Evaluation on the held-out documents",
                          caption="Losses are means over the masked tokens (MLM) and over the instances (NSP).")


def evaluations(networks, entries, pretraining_data):
    """The evaluated networks, and those of `entries` that one of them has."""
    evaluated = {name: {**guessed(pretraining_data.get(network["held_out"], {})), **network["evaluation"]}
                 for name, network in networks.items() if network["evaluation"]}
    return evaluated, [entry for entry in entries if any(entry[0] in values for values in evaluated.values())]


def guessed(statistics):
    """What always the same answer reaches on NSP, for instances with these statistics."""
    random_next = statistics.get("random_next_rate")
    return {} if random_next is None else {"majority_nsp_accuracy": max(random_next, 1 - random_next)}
