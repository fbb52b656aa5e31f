"""Scores of the tasks as tables and figures: the mean of the seeds with its spread, standard and zoo metrics apart."""

from markupsafe import Markup

from dump2bert.reporting.bars import dot_plot
from dump2bert.reporting.examples import chosen, counted
from dump2bert.reporting.lines import line_chart
from dump2bert.reporting.numbers import count, duration, fraction, interval, mean_and_spread, short
from dump2bert.reporting.table import table

HEADLINES = {"ner": ("f1", "clue_benchmark"), "squad": ("f1", "f1"), "classification": ("accuracy", "accuracy"),
             "regression": ("spearman", "spearman")}
"""Kind of task: what the summary shows of the standard and of the zoo's metrics."""

ASSESSED = {"accuracy": "accuracy", "f1": "f1", "mcc": "matthews"}
"""Assessment method of a classification -> what the summary shows in place of its kind's."""

NAMES = {"f1": "F1", "macro_f1": "macro F1", "matthews": "Matthews", "pearson": "Pearson", "spearman": "Spearman",
         "exact_match": "exact match", "clue_benchmark": "CLUE benchmark"}

MEANINGS = {
    ("ner", "standard"): """
        An entity is right when its first and last character and its type are (seqeval, strict). Precision, recall and
        F1 count the entities of all types together (micro); macro F1 is the mean over the types.""",
    ("ner", "zoo"): """
        The reference system's own metrics, for comparison with its published numbers only. Accuracy is the share of
        equal labels over all positions, padding included; precision, recall and F1 count positions and take any two
        labels but O for equal. CLUE benchmark is the macro F1 of CLUENER's official scorer: over the sets of entity
        texts of a record, positions ignored, a type that never occurs counting as 0.""",
    ("classification", "standard"): """
        Accuracy is the share of right labels; macro F1 the mean over the labels that occur, and where there are more than
        two labels F1 is the same. Of two labels, precision, recall and F1 are those of the second.""",
    ("squad", "standard"): """
        Exact match is the share of answers that are one of the gold ones; F1 the mean over the questions of the best F1 over
        words with a gold one. Case, punctuation and the English articles do not count (SQuAD v1.1's official scorer).""",
    ("squad", "zoo"): "The reference system uses SQuAD's official scorer, too.",
    ("classification", "zoo"): """
        The reference system's own metrics: precision, recall, F1 and Matthews take every label but the first for one.""",
    ("regression", "zoo"): """
        The reference system's own metric: Spearman's formula for ranks without ties, equal scores being ranked as sorting
        leaves them.""",
    ("regression", "standard"): "Correlations of the predicted scores with the given ones; Spearman's is that of ranks.",
}
"""(kind of task, family of metrics): what its numbers count."""

MISFITS = 100
"""Entities listed as not fitting, at the most."""

PERCENT_KINDS = {"squad"}
"""Kinds of task whose metrics come in percent; all others are fractions from 0 to 1."""


PARTS = {"per_type": ("entity type", "exact span and type"), "per_label": ("label", "one label against the others")}
"""Where the scores of a task's parts stand among its standard metrics: what the parts are, what is counted."""


def kind_of(task):
    return task["spec"].get("kind", "ner")


def summary(tasks):
    """The table at the top: one row for each task, network and variant."""
    rows = []
    for name, task in tasks.items():
        standard, zoo = HEADLINES.get(kind_of(task), ("accuracy", "accuracy"))
        standard = ASSESSED.get(task["spec"].get("assessment_method"), standard)
        for group in task["groups"]:
            first = group["runs"][0]["metrics"]
            rows.append([name, group["network"], variant_of(group), named(standard, score(group, "standard", standard)),
                         named(zoo, score(group, "zoo", zoo)), f"{first['split']}, {count(first['records'])}",
                         seeds_of(group)])
    return rows and table(
        ["task", "network", "head", "standard", "zoo", "split, records", "seeds"], rows, text_columns=3, title="Tasks",
        caption="Fractions from 0 to 1 (SQuAD: percent), the mean over the seeds ± their standard deviation where "
                "there are several. “Zoo” is the reference system's own way of counting, which is not comparable with "
                "the standard metric.")


def named(metric, text):
    """A score with the name of its metric before it."""
    return Markup("<small>{}</small> {}").format(NAMES.get(metric, metric), text) if text != "–" else text


def variant_of(group):
    if group["use_crf"]:
        return "CRF"
    standard = group["runs"][0]["metrics"]["metrics"].get("standard", {})
    return "linear" if "spearman" in standard else "span" if "exact_match" in standard else "softmax"


def label_of(group):
    return f"{group['network']}, {variant_of(group)}"


def seeds_of(group):
    return ", ".join(str(run["seed"]) for run in group["runs"])


def values_of(group, family, metric):
    values = [run["metrics"]["metrics"].get(family, {}).get(metric) for run in group["runs"]]
    return [value for value in values if value is not None]


def score(group, family, metric):
    """"0.6543 ± 0.0120" and below it "(0.6245 to 0.6841)", without spread and 95 % interval where there is one seed."""
    values = values_of(group, family, metric)
    if not values:
        return "–"
    mean, spread = mean_and_spread(values)
    if spread is None:
        return fraction(mean)
    half = interval(values)
    return Markup("{} ± {}<br><small>({} to {})</small>").format(fraction(mean), fraction(spread), fraction(mean - half),
                                                                 fraction(mean + half))


def task_section(name, task, colours, examples):
    """What the page says of one task; `colours`: colour class of each network; `examples`: how many to show."""
    groups = task["groups"]
    per_type, (part, counts) = types_of(groups), PARTS["per_label" if kind_of(task) == "classification" else "per_type"]
    best = max(groups, key=lambda group: max(values_of(group, "standard", "f1") or [0])) if groups else None
    series = [(label_of(group), style_of(group, colours),
               {kind: [parts_of(run)[kind]["f1"] for run in group["runs"] if kind in parts_of(run)] for kind in per_type})
              for group in groups]
    return {
        "name": name, "kind": kind_of(task), "part": part,
        "scores": [one for one in (scores_table(task, "standard"), scores_table(task, "zoo")) if one],
        "legend": [(label, style) for label, style, _ in series],
        "types": per_type and dot_plot(f"F1 of each {part} of {name}",
                                       [(kind, count(support)) for kind, support in per_type.items()], series,
                                       f"F1 ({counts})"),
        "types_table": per_type and types_table(groups, per_type, part),
        "words_table": words_table(groups),
        "training": training_charts(groups, colours),
        "speed": groups and speed_table(groups),
        "data": data_facts(task), "misfits": misfits(task)[:MISFITS],
        "inputs": inputs_of(groups),
        "split": groups and groups[0]["runs"][0]["metrics"]["split"],
        "example_sets": [{"label": label_of(group), "seed": group["runs"][0]["seed"], "open": group is best,
                          "records": len(group["examples"]), "counted": counted(group["examples"]),
                          "shown": chosen(group["examples"], examples)}
                         for group in sorted(groups, key=lambda group: group is not best) if group["examples"]],
    }


def style_of(group, colours):
    return colours[group["network"]] + ("" if group["use_crf"] else " open")


def scores_table(task, family):
    """All metrics of a family (standard, zoo) that are single numbers; None where there are none."""
    groups = task["groups"]
    found = [run["metrics"]["metrics"].get(family, {}) for group in groups for run in group["runs"]]
    names = list(dict.fromkeys(name for values in found for name, value in values.items()
                               if isinstance(value, (int, float))))
    if not names:
        return None
    rows = [[group["network"], variant_of(group), *(score(group, family, name) for name in names)] for group in groups]
    first = groups[0]["runs"][0]["metrics"]
    unit = "Percent" if kind_of(task) in PERCENT_KINDS else "Fractions from 0 to 1"
    return table(["network", "head", *(NAMES.get(name, name.replace("_", " ")) for name in names)], rows,
                 text_columns=2, title=f"{family.capitalize()} metrics",
                 caption=f"{unit}, split {first['split']}, {count(first['records'])} records, {averaged(groups)}. "
                         f"{MEANINGS.get((kind_of(task), family), '')}")


def averaged(groups):
    """What the numbers of a table stand for: one seed, or the mean over several."""
    seeds = list(dict.fromkeys(seeds_of(group) for group in groups))
    if len(seeds) == 1 and len(groups[0]["runs"]) == 1:
        return f"seed {seeds[0]}"
    return "mean over the seeds" + (f" {seeds[0]}" if len(seeds) == 1 else "") + " ± standard deviation (95 % " \
        "interval of the mean by Student's t)"


def types_of(groups):
    """{type: support} of all types, the most frequent first."""
    supports = {}
    for group in groups:
        for run in group["runs"]:
            for kind, values in parts_of(run).items():
                supports[kind] = values["support"]
    return dict(sorted(supports.items(), key=lambda item: (-item[1], item[0])))


def parts_of(run):
    """{type or label: its scores} of a run."""
    standard = run["metrics"]["metrics"].get("standard", {})
    return next((standard[key] for key in PARTS if key in standard), {})


def types_table(groups, per_type, part):
    rows = []
    for kind, support in per_type.items():
        row = [kind, count(support)]
        for group in groups:
            found = [parts_of(run).get(kind) for run in group["runs"]]
            for metric in ("precision", "recall", "f1"):
                values = [values[metric] for values in found if values]
                row.append(fraction(sum(values) / len(values)) if values else "–")
        rows.append(row)
    return table([part, "support", *["precision", "recall", "F1"] * len(groups)], rows,
                 over=[("", 2), *((f"{label_of(group)} (seeds {seeds_of(group)})", 3) for group in groups)],
                 caption=f"Each {part}: standard metric, fractions from 0 to 1, mean over the seeds; support is "
                         f"how often it is the right one (split {groups[0]['runs'][0]['metrics']['split']}).")


def words_table(groups):
    """Scores of the questions with each question word; None where there are no questions."""
    found = [[run["metrics"]["metrics"].get("standard", {}).get("per_question_word", {}) for run in group["runs"]]
             for group in groups]
    supports = {word: values["support"] for runs in found for words in runs for word, values in words.items()}
    if not supports:
        return None
    rows = []
    for word, support in sorted(supports.items(), key=lambda item: (-item[1], item[0])):
        rows.append([word, count(support)])
        for runs in found:
            for metric in ("exact_match", "f1"):
                values = [words[word][metric] for words in runs if word in words]
                rows[-1].append(fraction(sum(values) / len(values)) if values else "–")
    return table(["question word", "questions", *["exact match", "F1"] * len(groups)], rows,
                 over=[("", 2), *((f"{label_of(group)} (seeds {seeds_of(group)})", 2) for group in groups)],
                 title="By question word", caption="The word that a question asks with: percent, mean over the seeds (split "
                                                   f"{groups[0]['runs'][0]['metrics']['split']}).")


def training_charts(groups, colours):
    """(title, svg) of the finetuning runs, one curve for each seed: loss, and the score after each epoch."""
    runs = [(f"{label_of(group)}, seed {run['seed']}", style_of(group, colours), run["steps"])
            for group in groups for run in group["runs"]]
    scores = dict.fromkeys(key for _, _, steps in runs for line in steps for key in line if key.startswith("dev_"))
    titles = {"loss": "Training loss", **{key: f"{named_score(key)} on dev after each epoch" for key in scores}}
    charts = []
    for key, title in titles.items():
        series = [(name, style, [(line["step"], line[key]) for line in steps if line.get(key) is not None])
                  for name, style, steps in runs]
        svg = line_chart(title, series, from_zero=True)
        if svg:
            charts.append((title, svg))
    return charts


def named_score(key):
    name = key.removeprefix("dev_")
    return NAMES.get(name, name.replace("_", " "))


def speed_table(groups):
    rows = [[group["network"], variant_of(group), ", ".join(run["epochs"] for run in group["runs"]),
             *(mean_of(group, key, form) for key, form in (("seconds", duration), ("samples_per_second", short),
                                                           ("ms_per_step", short)))] for group in groups]
    return table(["network", "head", "epoch kept", "time of prediction", "records per second", "ms per step"], rows,
                 text_columns=3,
                 caption="Of each seed's epochs the one with the best score on dev is kept. Speed is that of "
                         "predicting the whole split, mean over the seeds.")


def mean_of(group, key, form):
    values = [run["metrics"][key] for run in group["runs"] if run["metrics"].get(key) is not None]
    return form(sum(values) / len(values)) if values else "–"


def data_facts(task):
    """Statistics of the task's records, one column for each split: whatever is a single number, and the sum of what is
    counted by kind."""
    splits = (task["data"] or {}).get("splits")
    if not splits:
        return None
    columns = [{key: sum(value.values()) if isinstance(value, dict) else value for key, value in values.items()
                if isinstance(value, (int, float)) or isinstance(value, dict) and key != "not_fitting_reasons"}
               for values in splits.values()]
    rows = [[key.replace("_", " "), *(number(column.get(key)) for column in columns)]
            for key in dict.fromkeys(key for column in columns for key in column)]
    rows.append(["sha256", *(values.get("sha256", "–")[:12] for values in splits.values())])
    return table(["", *splits], rows,
                 caption=f"The records of each split, as rows of up to {task['data'].get('max_seq_length', '–')} "
                         "tokens; the SHA-256 (first 12 digits) is that of the file that they come from.")


def misfits(task):
    """(place in the split, type, text, reason) of entities that the labels of the rows cannot say, of answers that are not
    as they should be."""
    splits = (task["data"] or {}).get("splits", {})
    return [(f"{split} {one['line']}", one["type"], one["entity"], one["reason"]) if "line" in one else
            (f"{split} {one['question']}", "", one["answer"], one["reason"])
            for split, values in splits.items() for one in values.get("not_fitting", [])]


def number(value):
    return "–" if value is None else count(value) if isinstance(value, int) else short(value)


def inputs_of(groups):
    """(path, sha256) of every file that the scores rest on."""
    found = {path: digest for group in groups for run in group["runs"]
             for path, digest in run["metrics"].get("inputs", {}).items()}
    return sorted(found.items())
