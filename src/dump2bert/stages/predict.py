"""Stage `predict`: a finetuned network, texts in, answers out in the form that the benchmark's server takes."""

from pathlib import Path

from dump2bert.digest import load
from dump2bert.errors import BadInput
from dump2bert.files import read_json


def run(*, checkpoint, vocab_file, input, output, label_ids, batch_size, device_target):
    """The kind of task stands in the network.json beside the checkpoint."""
    task = read_json(Path(checkpoint).with_name("network.json")).get("task")
    if not task:
        raise BadInput(f"{checkpoint} is a pretrained network: finetune it first (dump2bert finetune)")
    load(f"tasks.{task['kind']}.predict").predict(
        checkpoint, vocab_file, input, output, label_ids, batch_size, device_target)
