"""Stage `predict`: a finetuned network, texts in, answers out in the form that the benchmark's server takes."""

from dump2bert.digest import load
from dump2bert.errors import BadInput


def run(*, checkpoint, vocab_file, input, output, label_ids, nbest_predictions, batch_size, device_target, fields,
        question, context):
    """The kind of task stands in the network.json beside the checkpoint. question, context: in place of input (squad)."""
    from dump2bert.training.checkpoints import read_description

    task = read_description(checkpoint).get("task")
    if not task:
        raise BadInput(f"{checkpoint} is a pretrained network: finetune it first (dump2bert finetune)")
    asked = (question, context) if question is not None and context is not None else None
    if (question is None) != (context is None) or (input is None) != (asked is not None):
        raise BadInput("give --input, or of squad one --question with its --context")
    if task["kind"] != "squad" and (asked or nbest_predictions):
        raise BadInput(f"--question, --context and --nbest_predictions are for squad, and {checkpoint} is of the kind "
                       f"{task['kind']}")
    own = {"fields": fields, "question": asked, "nbest": nbest_predictions}
    load(f"tasks.{task['kind']}.predict").predict(
        checkpoint, vocab_file, input, output, label_ids, batch_size, device_target,
        **{name: value for name, value in own.items() if value})
