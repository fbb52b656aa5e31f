"""The loop of pretraining: train until the asked number of weight updates, look at the losses, keep what must be kept.

Losses are read from the device only at a look (every data_sink_steps), so that looking does not slow the steps. A look
judges every step since the last one; a snapshot is only ever written after a look that found nothing wrong.
"""

import math
import time
from pathlib import Path

import numpy as np

from dump2bert.errors import BadInput, Interrupted
from dump2bert.progress import Progress, say
from dump2bert.training import checkpoints
from dump2bert.training.distribution import check_ranks_agree
from dump2bert.training.feeding import make_feeder
from dump2bert.training.metrics_log import MetricsLog
from dump2bert.training.watch import Trouble

SECONDS_BETWEEN_LINES = 60
NUMBERS = ("loss", "mlm_loss", "nsp_loss", "learning_rate", "loss_scale", "overflow", "global_norm",
           "tokens_per_second", "mlm_accuracy", "nsp_accuracy")
SHOWN = ("loss", "mlm_accuracy", "nsp_accuracy", "tokens_per_second")


def train(run, state, interruption, folder=None, zoo_lines=False):
    """Train a training.pretraining.Run to its last update.

    state: training.state.State, None but on rank 0; folder: where checkpoints on the way and TensorBoard's file go, or
    None; zoo_lines: say every look in the model zoo's form. -> nothing; metrics.jsonl in the state's folder has a line
    for every look. Interrupted when told to stop, with the state saved; BadInput when more goes wrong than may be
    rolled back.
    """
    run.share()
    log = None
    if run.world.is_first:
        log = MetricsLog(state.folder / "metrics.jsonl", run.step, run.order.steps_per_epoch,
                         folder / "tensorboard" if folder else None, zoo_lines)
        if run.step == 0:
            run.save(state)     # what a rollback at the beginning goes back to
    progress = Progress(run.last_update, "step", done=run.updates, seconds_between_lines=SECONDS_BETWEEN_LINES)
    shown, began_at = {}, run.updates

    def after_step():
        """Several ranks must stop at the same step: they agree on it at a look. One alone need not wait for it."""
        if progress.done == began_at:    # its time is the compiler's and would spoil the forecast
            progress.done += 1
            progress.restart()
        elif progress.done + 1 < progress.total:    # the last one is said below, with its own numbers
            progress.update(**shown)
        return interruption.reason if run.world.size == 1 else None

    feeder, since = make_feeder(run, run.options), time.monotonic()
    while not run.finished:
        steps, end = run.next_steps()
        outcomes, tokens = feeder.train(steps, after_step)
        if len(outcomes) < len(steps):
            end = outcomes[-1][0] + 1
        results = read(run, outcomes)
        trouble, stop = agree(run, steps, results, interruption.reason)
        if trouble:
            roll_back(run, state, trouble)
            if log:
                log.go_back(run.step)
            progress.done = run.updates
            continue
        # Of a step that was left out rank 0 alone knows why.
        left_out = [entry for entry in run.rollbacks.lines if run.step < entry["step"] <= end] if log else []
        run.step = end
        run.updates = progress.done = int(run.train_step.optimizer.updates.asnumpy())
        now = time.monotonic()
        lines = [line_of_rollback(entry) for entry in left_out]
        if outcomes:
            line = line_of(run, outcomes[-1][0] + 1, results, tokens * run.world.size / max(now - since, 1e-9))
            lines.append(line)
            shown.update({name: line[name] for name in SHOWN if line[name] is not None})
        since = now
        due = run.step % run.options.save_checkpoint_steps == 0 or stop or run.finished
        if due and run.world.size > 1:
            check_ranks_agree(run.world, [item.asnumpy() for item in run.model.get_parameters()])
        if log:
            for line in sorted(lines, key=lambda line: line["step"]):
                log.write(line)
            if due:
                keep(run, state, folder)
        if stop and not run.finished:
            run.world.meet()    # or mpirun and msrun, which kill all when the first one ends, would kill rank 0 saving
            raise Interrupted(f"{stop}; step {run.step} is saved{f' in {state.folder}' if state else ''}, the same "
                              "command goes on from it")
    progress.update(0, **shown)


def read(run, outcomes):
    """Wait for the outcomes of steps -> for each (losses, overflow, global_norm, learning_rate, loss_scale), the
    losses being means over all ranks."""
    results = [outcome.read() for _, outcome in outcomes]
    if run.world.size == 1 or not results:
        return results
    means = run.world.sum([losses for losses, *_ in results]) / run.world.size
    return [(losses, *others) for losses, (_, *others) in zip(means.tolist(), results)]


def agree(run, steps, results, reason):
    """What rank 0 thinks of the losses and any rank of stopping -> (training.watch.Trouble or None, reason to stop or
    None), the same on all ranks."""
    trouble = None
    if run.world.is_first:
        trouble = run.watch.judge(steps, [(losses[0], overflow, scale) for losses, overflow, _, _, scale in results])
    if run.world.size == 1:
        return trouble, reason
    wrong, stop = run.world.sum([trouble.step + 1 if trouble else 0, float(bool(reason))])
    if wrong and not trouble:
        trouble = Trouble(int(wrong) - 1, "see the log of rank 0", math.nan, math.nan)
    return trouble, reason or ("another rank was told to stop" if stop else None)


def roll_back(run, state, trouble):
    """Back to the last snapshot, and leave the step that went wrong out. BadInput after max_rollbacks of them."""
    epoch, batch = divmod(trouble.step, run.order.steps_per_epoch)
    place = f"step {trouble.step + 1} (epoch {epoch + 1}, batch {batch + 1})"
    if len(run.rollbacks.lines) >= run.options.max_rollbacks:
        raise BadInput(
            f"{trouble.reason} at {place}, and {len(run.rollbacks.lines)} rollbacks (max_rollbacks) did not help: "
            "lower the learning rate, lengthen the warmup, or look at the batches that rollbacks.jsonl beside the "
            "state names; the last good state is kept")
    snapshot = state.load() if run.world.is_first else None
    run.rollbacks.add({
        "step": trouble.step + 1, "epoch": epoch + 1, "batch": batch + 1, "reason": trouble.reason,
        "loss": finite(trouble.loss), "loss_scale": finite(trouble.loss_scale), "back_to": snapshot and snapshot[0],
        "records": run.order.numbers(trouble.step).tolist()})
    if snapshot:
        run.take(snapshot)
    run.share()
    say(f"{trouble.reason} at {place}: back to step {run.step}, this batch is left out (rollback "
        f"{len(run.rollbacks.lines)} of at most {run.options.max_rollbacks})")


def line_of(run, step, results, tokens_per_second):
    """A line of metrics.jsonl, of the steps up to `step` that `results` are of."""
    loss, mlm_loss, nsp_loss, mlm_accuracy, nsp_accuracy = np.mean([losses for losses, *_ in results], 0).tolist()
    _, _, global_norm, learning_rate, loss_scale = results[-1]
    values = (loss, mlm_loss, nsp_loss, learning_rate, loss_scale, any(overflow for _, overflow, *_ in results),
              global_norm, tokens_per_second, mlm_accuracy, nsp_accuracy)
    return {"step": step, "epoch": (step - 1) // run.order.steps_per_epoch + 1,
            **{name: finite(value) for name, value in zip(NUMBERS, values)}}


def line_of_rollback(entry):
    """The line of metrics.jsonl of a step that was left out (a line of rollbacks.jsonl): no numbers, and why."""
    why = {name: entry[name] for name in ("reason", "batch", "loss", "loss_scale", "back_to")}
    return {"step": entry["step"], "epoch": entry["epoch"], **dict.fromkeys(NUMBERS), "rolled_back": why}


def keep(run, state, folder):
    """A snapshot, and where one is due a checkpoint for the user."""
    on_the_way = run.step % run.options.save_checkpoint_steps == 0 and not run.finished and folder \
        and run.options.enable_save_ckpt
    if on_the_way:    # noted before it is written, so that a run that was killed in between still knows its own
        run.checkpoints.append(str(folder.resolve() / f"checkpoint-{run.step}.ckpt"))
    run.save(state)
    if on_the_way:
        save_checkpoint(run)


def save_checkpoint(run):
    """A checkpoint for the user on the way. Of this run's the last save_checkpoint_num are kept; others' stay."""
    checkpoints.save_weights(Path(run.checkpoints[-1]), run.model)
    kept = list(dict.fromkeys(reversed(run.checkpoints)))[:run.options.save_checkpoint_num]
    for path in {*run.checkpoints} - {*kept}:
        Path(path).unlink(missing_ok=True)
    run.checkpoints = kept[::-1]


def finite(number):
    """The number, or None where JSON has no word for it."""
    return number if math.isfinite(number) else None
