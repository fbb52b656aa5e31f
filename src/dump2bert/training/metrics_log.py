"""What a training run leaves to be read: metrics.jsonl, a TensorBoard event file, and the model zoo's own lines.

metrics.jsonl has a line for every look at the losses, and one for every step that was rolled back, with the key
`rolled_back`. It never holds a step that the state does not go back to: lines beyond it are dropped when a run goes on.
"""

import json

from dump2bert.errors import BadInput
from dump2bert.files import atomic_write, make_folder
from dump2bert.progress import say
from dump2bert.training.tensorboard import write_events

SCALARS = ("loss", "mlm_loss", "nsp_loss", "mlm_accuracy", "nsp_accuracy", "learning_rate", "loss_scale", "global_norm",
           "tokens_per_second")
EVENTS = "events.out.tfevents.0.pretrain"


class MetricsLog:
    """path: metrics.jsonl; step: that of the state, which lines may not be beyond; events: folder for TensorBoard's
    file, or None; zoo_lines: whether to say each line as the model zoo does."""

    def __init__(self, path, step, steps_per_epoch, events=None, zoo_lines=False):
        self.path, self.steps_per_epoch, self.zoo_lines = path, steps_per_epoch, zoo_lines
        self.events = events / EVENTS if events else None
        self.go_back(step)

    def go_back(self, step):
        """Drop what lies beyond `step`."""
        lines = []
        if self.path.is_file():
            for text in self.path.read_text().splitlines():
                try:
                    line = json.loads(text)
                except ValueError:    # half a line, where the writer was killed
                    break
                if line["step"] <= step:
                    lines.append(line)
        with atomic_write(self.path) as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
        if self.events and lines:
            self.write_events(lines, "wb")
        elif self.events:    # written with its first line: a run that is refused leaves nothing
            self.events.unlink(missing_ok=True)

    def write(self, line):
        try:
            with open(self.path, "a") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise BadInput(f"{self.path} cannot be written: {error.strerror}; the last state is kept") from error
        if self.events:
            self.write_events([line], "ab" if self.events.is_file() else "wb")
        if self.zoo_lines and "rolled_back" not in line:
            say(zoo_line(line, self.steps_per_epoch))

    def write_events(self, lines, mode):
        make_folder(self.events.parent)
        scalars = [{"step": line["step"], **{tag: line[tag] for tag in SCALARS if line.get(tag) is not None}}
                   for line in lines]
        try:
            write_events(self.events, [line for line in scalars if len(line) > 1], mode)
        except OSError as error:
            raise BadInput(f"{self.events} cannot be written: {error.strerror}; the last state is kept") from error


def zoo_line(line, steps_per_epoch):
    """A line of metrics.jsonl in the form of the model zoo's run_pretrain, its spelling included."""
    epoch, step = divmod(line["step"] - 1, steps_per_epoch)
    loss = "nan" if line["loss"] is None else f"{line['loss']:.6g}"
    return (f"epoch: {epoch:.1f}, current epoch percent: {(step + 1) / steps_per_epoch:.3f}, step: {line['step']}, "
            f"outpus are ({loss}, {line['overflow']}, {line['loss_scale']:g})")
