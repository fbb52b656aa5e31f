"""Writes what docs/ and workflow/ say of the configuration from config.py, its one source: `make docs`.

docs/configuration.md          every key: type, default, meaning; and where a default differs from the model zoo's
workflow/schemas/config.schema.json    the same as a JSON schema, for editors
docs/tasks.md                  its table of the data sets known by name
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

from dump2bert import config
from dump2bert.cli import COMMANDS
from dump2bert.tasks.datasets import DATASETS

ROOT = Path(__file__).resolve().parents[1]

# Defaults of the model zoo's BERT (its README's "Options and Parameters") that ours differ from, and why.
SEED = [
    ("Network", "vocab_size", "21136", "the vocabulary says how many rows the embedding needs; `pad_vocab_size_to: 16` "
     "gives 21136 for Google's 21128"),
    ("Network", "type_vocab_size", "16", "two segments exist; Google's and the zoo's code say 2 as well"),
    ("Network", "seq_length", "128 (large: 512)", "the records say how long they are"),
    ("Network", "hidden_act", "gelu (MindSpore's, which is the tanh form)", "`gelu` means the erf form, as everywhere else; "
     "`gelu_new` is the zoo's"),
    ("Network", "layer_norm_eps", "1e-7 (MindSpore's)", "Google's and Hugging Face's BERT use 1e-12"),
    ("Network", "relative_position_kind", "zoo (the only one)", "`nezha` is the one that was published with its weights"),
    ("Pretrain", "loss_scale_value", "2^32", "the zoo's own code pretrains with 65536; from 2^32 the first steps only overflow"),
    ("Pretrain", "schedule", "zoo", "in the zoo's form the rate jumps at the end of the warmup"),
    ("Pretrain", "gradient_clip", "tensor_norm", "Google and Hugging Face clip the norm of all gradients together"),
    ("AdamWeightDecayOptions", "end_learning_rate", "1e-10", "0 says what is meant"),
    ("LambOptions", "warmup_steps", "10000", "a tenth of the steps, at most 10000: short runs leave the warmup, too"),
    ("Finetune", "optimizer", "Lamb", "AdamWeightDecay is what published finetuning scores were made with"),
    ("Finetune", "epoch_num", "3 (NER: 5)", "one value; a task may set its own"),
]


def type_of(field):
    kind = field.annotation
    inner = [get_args(k)[0] if get_origin(k) is Annotated else k for k in get_args(kind) if k is not type(None)]
    for alone in (kind, *inner):
        if get_origin(alone) is Literal:
            return " \\| ".join(map(str, get_args(alone)))
    if get_origin(kind) is dict:
        return "entries by name"
    if any(get_origin(k) is dict for k in inner):
        return "mapping"
    if get_origin(kind) is list or any(get_origin(k) is list for k in inner):
        return "list"
    return getattr(inner[0] if inner else kind, "__name__", "text").replace("str", "text").replace("bool", "true \\| false")


def default_of(field):
    if field.is_required():
        return "required"
    value = field.default
    if hasattr(value, "model_dump"):
        return "as below"
    return json.dumps(value) if value is None or isinstance(value, (bool, list, dict)) else value


def table(section):
    rows = [f"| `{name}` | {type_of(field)} | {default_of(field)} | {' '.join((field.description or '').split())} |"
            for name, field in section.model_fields.items()]
    return ["| key | type | default | meaning |", "|---|---|---|---|", *rows, ""]


def configuration():
    lines = ["# Configuration", "", "Made from src/dump2bert/config.py by `make docs`; do not edit.", "",
             "Every key of config.yaml, of a recipe and (same spelling) every flag of a command. A key set to `null` counts as",
             "not set, so an overlay takes an entry away with it.", ""]
    tables = [("(top level)", config.Config)]
    for name, field in config.Config.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, config.Section):
            tables.append((name, field.annotation))
    tables += [("corpus.sources.NAME", config.Source), ("networks.NAME", config.NetworkEntry), ("tasks.NAME", config.Task),
               ("pretrain.Lamb", config.LambOptions), ("pretrain.AdamWeightDecay", config.AdamWeightDecayOptions),
               ("pretrain.Momentum", config.MomentumOptions), ("finetune.Lamb", config.FinetuneLambOptions),
               ("finetune.AdamWeightDecay", config.FinetuneAdamOptions)]
    for name, section in tables:
        lines += [f"## {name}", "", " ".join((section.__doc__ or "").split()), "", *table(section)]
    lines += ["## Presets of `bert_network`", "", "| preset | what it sets |", "|---|---|"]
    lines += [f"| {name} | {', '.join(f'{k} {v}' for k, v in values.items()) or 'the defaults'} |"
              for name, values in config.PRESETS.items()]
    lines += ["", "## Where defaults differ from the model zoo's", "", "| key | zoo | here | why |", "|---|---|---|---|"]
    for section, name, theirs, why in SEED:
        field = getattr(config, section).model_fields[name]
        lines.append(f"| {section.removesuffix('Options')}.{name} | {theirs} | {default_of(field)} | {why} |")
    lines += ["", "## Commands", "", "| command | what it does |", "|---|---|"]
    lines += [f"| `dump2bert {name}` | {command.help} |" for name, command in COMMANDS.items()]
    return "\n".join(lines) + "\n"


def schema():
    return json.dumps(config.Config.model_json_schema(), indent=1, sort_keys=True) + "\n"


def tasks():
    """docs/tasks.md with the table between its two marks made anew."""
    before, _, rest = (ROOT / "docs/tasks.md").read_text(encoding="utf-8").partition("<!-- data sets -->\n")
    lines = ["| name | kind | official files | labels | metric | source | licence | tested |",
             "|---|---|---|---|---|---|---|---|"]
    for name, dataset in DATASETS.items():
        labels = "–" if dataset.kind in ("regression", "squad") else len(dataset.labels) if dataset.labels else "found"
        lines.append(f"| `{name}` | {dataset.kind} | {', '.join(dataset.files)} | {labels} | {dataset.assessment_method} | "
                     f"{dataset.source} | {dataset.licence} | {'yes' if dataset.tested else 'no'} |")
    return before + "\n".join(["<!-- data sets -->", "", *lines, "", "<!-- data sets end -->\n"]) + rest.partition(
        "<!-- data sets end -->\n")[2]


def main():
    files = {"docs/tasks.md": tasks(), "docs/configuration.md": configuration(), "workflow/schemas/config.schema.json": schema()}
    for name, text in files.items():
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        if "--check" in sys.argv:
            if (ROOT / name).read_text(encoding="utf-8") != text:
                sys.exit(f"error: {name} does not say what config.py says: run `make docs`")
        else:
            (ROOT / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
