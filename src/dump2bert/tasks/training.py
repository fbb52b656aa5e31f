"""Finetuning: epochs over rows in batches, the development score after each, and the weights of the best epoch kept.

The kinds of task give a model, a loss and what goes into it; everything is a function of the seed, so two runs end with
the same weights (on a CPU).
"""

import time
from typing import NamedTuple

import numpy as np
from mindspore import Tensor

from dump2bert.errors import BadInput, Interrupted
from dump2bert.progress import Progress, say
from dump2bert.tasks.batches import batches_of, encoder_size, order_of, suitable_widths
from dump2bert.tasks.heads import head_mask
from dump2bert.training.dropout import DropoutSource
from dump2bert.training.optimizers import make_optimizer
from dump2bert.training.step import LossScale, TrainStep

STEPS_BETWEEN_LOOKS = 20


class Trained(NamedTuple):
    """lines: of metrics.jsonl; epochs: for each its mean loss and development score; best_epoch: from 1, whose weights
    the model has now."""

    lines: list
    epochs: list
    best_epoch: int
    steps: int


class Task(NamedTuple):
    """What a kind of task gives to `train`.

    model: with the parts `bert` and a head; loss(*inputs, dropout_keys, dropout_masks, head_mask) -> ();
    inputs(numbers, width, weights) -> tensors of these rows; lengths: tokens of each row, special ones included;
    head_shape(width) -> shape of the head's dropout mask; score() -> the development score (higher is better), or None
    without development data; score_name: what it is called; uses_pooler: whether the loss reaches the pooler.
    """

    model: object
    loss: object
    inputs: object
    lengths: np.ndarray
    head_shape: object
    score: object
    score_name: str
    uses_pooler: bool = False


def train(task, network, options):
    """Train task.model -> Trained. network: a namespace; options: a namespace of config.py's Finetune, the
    seed and the `interruption` (training.interruption) at which to stop with Interrupted."""
    batch_size, epochs = options.train_batch_size, options.epoch_num
    steps_per_epoch = -(-len(task.lengths) // batch_size)
    widths = suitable_widths(task.lengths, int(task.lengths.max()), epochs, encoder_size(task.model), True)
    # Where the pooler takes no part (labelling tokens): weights that the loss does not reach must not decay either.
    parameters = [item for item in task.model.trainable_params()
                  if task.uses_pooler or not item.name.startswith("bert.pooler.")]
    optimizer = make_optimizer(options.optimizer, getattr(options, options.optimizer), parameters,
                               steps_per_epoch * epochs, options.schedule)
    loss_scale = None
    if network.compute_type == "float16":
        loss_scale = LossScale(options.loss_scale_value, options.scale_factor, options.scale_window)
    step_of = TrainStep(task.loss, optimizer, loss_scale, options.gradient_clip)
    dropout = DropoutSource(network, options.seed)
    say(f"{len(task.lengths)} rows, {steps_per_epoch} steps in an epoch, widths {', '.join(map(str, widths))}; "
        "compiling at the first step of each")
    progress = None
    step, lines, history, best, shown = 0, [], [], None, {}
    for epoch in range(1, epochs + 1):
        order = order_of(len(task.lengths), options.seed, epoch, options.train_data_shuffle)
        batches = list(batches_of(order, task.lengths, widths, batch_size))
        if options.train_data_shuffle:
            # Batches of one width would else come in runs at the end of an epoch.
            batches = [batches[i] for i in order_of(len(batches), options.seed + 1, epoch, True)]
        waiting, losses, tokens, since = [], [], 0, time.monotonic()
        task.model.set_train(True)
        for number, (rows, width, weights) in enumerate(batches, 1):
            if options.interruption.reason:
                raise Interrupted(f"{options.interruption.reason}; finetuning keeps no state, the same command begins anew")
            keys, masks = dropout.inputs(step, batch_size)
            mask = head_mask(task.head_shape(width), options.dropout_prob, options.seed, step)
            waiting.append(step_of([(*task.inputs(rows, width, weights), keys, masks, mask)]))
            tokens += int(task.lengths[rows][weights > 0].sum())
            step += 1
            if number % STEPS_BETWEEN_LOOKS == 0 or number == len(batches):
                line, found = look(waiting, step, epoch)
                now = time.monotonic()
                lines.append({**line, "tokens_per_second": tokens / max(now - since, 1e-9)})
                losses += found
                shown["loss"] = line["loss"]
                waiting, tokens, since = [], 0, now
            if progress:
                progress.update(**shown)
            else:   # the first step's time is the compiler's and would spoil the forecast
                progress = Progress(steps_per_epoch * epochs, "step", done=1)
        history.append({"epoch": epoch, "loss": float(np.mean(losses)) if losses else None})
        if task.score:
            score = task.score()
            history[-1][task.score_name] = lines[-1][task.score_name] = score
            shown[task.score_name] = score
            say(f"epoch {epoch}/{epochs}: loss {history[-1]['loss']:.4f}, {task.score_name} {score:.4f}")
            better = epoch if best is None or score > best[0] else better
            if best is None or score >= best[0]:
                best = score, epoch, {item.name: item.asnumpy().copy() for item in task.model.get_parameters()}
            if options.early_stopping and epoch - better >= options.early_stopping:
                say(f"no better {task.score_name} in {options.early_stopping} epochs: training stops")
                break
    if best:
        for item in task.model.get_parameters():
            item.set_data(Tensor(best[2][item.name]))
    return Trained(lines, history, best[1] if best else epochs, step)


def look(outcomes, step, epoch):
    """Read the outcomes since the last look -> a line of metrics.jsonl and the losses. BadInput where the loss is not
    finite."""
    results = [outcome.read() for outcome in outcomes]
    losses = [loss for (loss, *_), overflow, *_ in results if not overflow]
    _, overflow, global_norm, learning_rate, loss_scale = results[-1]
    if overflow and loss_scale <= 1:
        raise BadInput(f"the loss or its gradients are not finite at step {step}: lower the learning rate or lengthen "
                       "the warmup")
    return {"step": step, "epoch": epoch, "loss": float(np.mean(losses)) if losses else None,
            "learning_rate": learning_rate, "global_norm": global_norm if np.isfinite(global_norm) else None,
            "loss_scale": loss_scale, "overflow": any(result[1] for result in results)}, losses
