"""Stage `predict`: a finetuned network, texts in, answers out in the form that the benchmark's server takes."""

from dump2bert.digest import load
from dump2bert.errors import BadInput


def run(*, checkpoint, vocab_file, input, output, label_ids, batch_size, device_target, fields):
    """The kind of task stands in the network.json beside the checkpoint."""
    from dump2bert.training.checkpoints import read_description

    task = read_description(checkpoint).get("task")
    if not task:
        raise BadInput(f"{checkpoint} is a pretrained network: finetune it first (dump2bert finetune)")
    load(f"tasks.{task['kind']}.predict").predict(
        checkpoint, vocab_file, input, output, label_ids, batch_size, device_target, **{"fields": fields} if fields else {})
