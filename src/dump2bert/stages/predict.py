"""Stage `predict`: a network, texts in, answers out in the form that the benchmark's server takes.

A finetuned network answers for its task, a pretrained one fills in what is masked."""

from dump2bert.digest import load
from dump2bert.errors import BadInput
from dump2bert.files import Given
from dump2bert.tasks.datasets import given


def run(*, checkpoint, vocab_file, input, text, output, label_ids, nbest_predictions, answers, batch_size, device_target, top, spec,
        format, fields, labels, question, context):
    """The kind of task stands in the network.json beside the checkpoint. text, or question and context (squad): in place of
    input; output: None is standard output; answers: what finetune has kept of the network's answers; top: words for each mask; spec, format, fields, labels: as in task_data."""
    from dump2bert.training.checkpoints import read_description

    if (question is None) != (context is None) or [input, text, question].count(None) != 2:
        raise BadInput("give --input FILE (- for standard input) or --text TEXT, or of squad one --question with its "
                       "--context")
    input, output = Given(text) if text is not None else input, output or "-"
    task = read_description(checkpoint).get("task")
    if not task:
        if label_ids or answers or input is None:
            raise BadInput(f"{checkpoint} is a pretrained network, which only fills in masks, without --label_ids or --answers: finetune it "
                           "first (dump2bert finetune)")
        load("tasks.fill_mask").predict(checkpoint, vocab_file, input, output, batch_size, device_target, top)
        return
    asked = (question, context) if question is not None and context is not None else None
    if task["kind"] != "squad" and (asked or nbest_predictions):
        raise BadInput(f"--question, --context and --nbest_predictions are for squad, and {checkpoint} is of the kind "
                       f"{task['kind']}")
    if task["kind"] == "squad" and text is not None:
        raise BadInput(f"--text is for other kinds of task, and {checkpoint} is of the kind squad: give --question and "
                       "--context")
    own = given(task["kind"], spec=spec, format=format, fields=fields, labels=labels)
    if task["kind"] == "squad":
        own = {name: value for name, value in (("question", asked), ("nbest", nbest_predictions)) if value}
    load(f"tasks.{task['kind']}.predict").predict(
        checkpoint, vocab_file, input, output, label_ids, batch_size, device_target, answers, **own)
