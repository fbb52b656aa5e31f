"""Stage `finetune`: a pretrained network and a task's records -> model.ckpt, network.json, metrics.jsonl, scores."""

from types import SimpleNamespace

from dump2bert.digest import load
from dump2bert.errors import BadInput
from dump2bert.training.interruption import Interruption

KINDS = {"ner": "ner", "classifier": "classification", "squad": "squad"}
"""Kind of the command -> package of tasks/; a regression is a classifier, told by its assessment_method."""


def run(*, kind, stop_with_parent, **options):
    """options: the files of the command and the fields of config.py's Finetune and FinetuneRun, under their names."""
    if kind != "squad" and options["eval_json_path"]:
        raise BadInput(f"--eval_json_path is for squad: {kind} evaluates --eval_data_file_path alone")
    if not (options["do_train"] or options["do_eval"]):
        raise BadInput("there is nothing to do: --do_train and --do_eval are both false")
    interruption = Interruption(stop_with_parent)    # before the slow imports, in which the parent may already go
    load(f"tasks.{KINDS[kind]}.finetune").finetune(SimpleNamespace(interruption=interruption, **options))
