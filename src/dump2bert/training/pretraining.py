"""Pretraining: a network, its data and its state come together, and train until the asked number of weight updates.

A step is a batch that was trained on; an update is a step that was not skipped for overflow. What happens at a step
follows from the seed, its number and the state before it, so a run that was killed and goes on from a snapshot ends
with the very weights of an undisturbed one (on a CPU; accelerators have their own dropout).
"""

import json
import math
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from mindspore import Tensor

from dump2bert.errors import BadInput, Interrupted
from dump2bert.files import atomic_write, sha256_of
from dump2bert.nets.bert import initialize, namespace
from dump2bert.nets.heads import BertForPretraining, PretrainingLoss
from dump2bert.progress import Progress, say
from dump2bert.training import checkpoints
from dump2bert.training.data import Order
from dump2bert.training.dropout import DropoutSource
from dump2bert.training.optimizers import make_optimizer
from dump2bert.training.pretraining_batches import micro_batches, read_batch
from dump2bert.training.step import LossScale, TrainStep

KEY_OPTIONS = ("optimizer", "schedule", "gradient_clip", "enable_lossscale", "loss_scale_value", "scale_factor",
               "scale_window", "do_shuffle", "accumulation_steps", "batch_size", "seed", "device_target", "device_num")


def resolved_network(network, vocabulary_size, seq_length, compute_type):
    """The network's options with everything decided: its vocabulary, sequence length and compute type."""
    size = network["vocab_size"] or vocabulary_size
    if not size:
        raise BadInput("the network's vocab_size is not given: give it, or --vocab_file to count its lines")
    if vocabulary_size and size < vocabulary_size:
        raise BadInput(f"the network's vocab_size is {size}, but the vocabulary has {vocabulary_size} lines")
    if network["seq_length"] not in (None, seq_length):
        raise BadInput(f"the network's seq_length is {network['seq_length']}, but the data has sequences of "
                       f"{seq_length}")
    if network["relative_positions"] == "none" and seq_length > network["max_position_embeddings"]:
        raise BadInput(f"the data has sequences of {seq_length}, but the network's max_position_embeddings is "
                       f"{network['max_position_embeddings']}")
    if network["dtype"] != "float32":
        raise BadInput("the network's dtype must be float32, the type of the weights; compute_type may be float16")
    multiple = network["pad_vocab_size_to"]
    return {**network, "vocab_size": -(-size // multiple) * multiple, "seq_length": seq_length,
            "compute_type": compute_type}


def state_key(options, network, data, load_checkpoint_path):
    """All that the weights depend on but the code and the number of steps."""
    return {"data": data, "network": network, "optimizer_options": getattr(options, options.optimizer),
            "initial_weights": sha256_of(load_checkpoint_path) if load_checkpoint_path else None,
            **{name: getattr(options, name) for name in KEY_OPTIONS}}


class Run:
    """One pretraining run. `options`: the fields of config.py's Pretrain; `records`: training.data.Records."""

    def __init__(self, options, network, records, load_checkpoint_path=None):
        self.options, self.network, self.records = options, namespace(network), records
        self.order = Order(len(records), options.batch_size * options.accumulation_steps, options.seed,
                           options.do_shuffle)
        if not self.order.steps_per_epoch:
            raise BadInput(f"the data has {len(records)} records, fewer than one batch of {self.order.batch}: give a "
                           "smaller --batch_size")
        self.last_step = options.epoch_size * self.order.steps_per_epoch
        self.last_update = self.last_step if options.train_steps < 0 else min(options.train_steps, self.last_step)
        self.model = BertForPretraining(self.network)
        initialize(self.model, options.seed, self.network.initializer_range)
        if load_checkpoint_path:
            checkpoints.load_weights(load_checkpoint_path, self.model)
        optimizer = make_optimizer(options.optimizer, getattr(options, options.optimizer),
                                   self.model.trainable_params(), self.last_update, options.schedule)
        loss_scale = None
        if options.enable_lossscale:
            loss_scale = LossScale(options.loss_scale_value, options.scale_factor, options.scale_window)
        self.train_step = TrainStep(PretrainingLoss(self.model), optimizer, loss_scale, options.gradient_clip,
                                    options.accumulation_steps)
        self.dropout = DropoutSource(self.network, options.seed)
        self.step = self.updates = 0
        self.checkpoints = []    # paths of those written for the user on the way, by this run and no other

    # ------------------------------------------------------------------------------------------------------- state

    def arrays(self):
        return {name: item.asnumpy() for name, item in self.train_step.parameters().items()}

    def save(self, state):
        state.save(self.step, self.arrays(), {"updates": self.updates, "checkpoints": self.checkpoints})

    def restore(self, state, fresh):
        """Go on from the newest snapshot, if there is one. BadInput where it is beyond the steps asked for."""
        snapshot = state.load()
        if snapshot is None:
            return
        step, arrays, about = snapshot
        if about["updates"] > self.last_update or step > self.last_step:
            if not fresh:
                raise BadInput(f"{state.folder} is at step {step}, beyond the {self.last_update} steps asked for: ask "
                               "for more steps (--train_steps, --epoch_size) or give --fresh true to begin anew")
            state.clear()
            return
        for name, item in self.train_step.parameters().items():
            item.set_data(Tensor(arrays[name]))
        self.step, self.updates = step, about["updates"]
        self.checkpoints = about.get("checkpoints", [])
        say(f"goes on from step {step} ({state.folder})")

    # ------------------------------------------------------------------------------------------------------- steps

    def train(self, state, interruption, checkpoint_folder):
        """Train to the last update. checkpoint_folder: where checkpoints on the way go, or None.

        -> nothing; metrics.jsonl in the state's folder has a line for every look at the losses. Interrupted when told
        to stop, with the state saved; BadInput when the loss is not finite and no smaller loss scale can help.
        """
        options = self.options
        interval = options.data_sink_steps if options.enable_data_sink else 1
        log = MetricsLog(state.folder / "metrics.jsonl", self.step)
        progress = Progress(self.last_update, "step", done=self.updates)
        looked = SimpleNamespace(outcomes=[], tokens=0, since=time.monotonic())
        shown = {}
        while self.updates < self.last_update and self.step < self.last_step:
            batch = read_batch(self.records, self.order.numbers(self.step), self.network)
            looked.tokens += int(batch["input_mask"].sum())
            looked.outcomes.append(
                self.train_step(micro_batches(batch, options.accumulation_steps, self.dropout, self.step)))
            self.step += 1
            self.updates += 1    # as long as nothing else is known; counted when the losses are looked at
            save = self.step % options.save_checkpoint_steps == 0
            last = self.updates >= self.last_update or self.step >= self.last_step
            stop = interruption.reason
            if self.step % interval == 0 or save or last or stop:
                line = self.look(looked)
                log.write(line)
                shown = {"loss": line["loss"] if line["loss"] is not None else "not finite"}
            progress.update(**shown)
            finished = self.updates >= self.last_update or self.step >= self.last_step
            on_the_way = save and not finished and checkpoint_folder and options.enable_save_ckpt
            if on_the_way:    # noted before it is written, so that a run that was killed in between still knows its own
                self.checkpoints.append(str(checkpoint_folder.resolve() / f"checkpoint-{self.step}.ckpt"))
            if save or stop or finished:
                self.save(state)
            if on_the_way:
                self.save_checkpoint()
            if stop and not finished:
                raise Interrupted(f"{stop}; step {self.step} is saved in {state.folder}, the same command goes on "
                                  "from it")

    def look(self, looked):
        """Read the outcomes since the last look -> a line of metrics.jsonl."""
        results = [outcome.read() for outcome in looked.outcomes]
        skipped = sum(overflow for _, overflow, *_ in results)
        self.updates = int(self.train_step.optimizer.updates.asnumpy())
        now = time.monotonic()
        loss, mlm_loss, nsp_loss = np.mean([losses for losses, *_ in results], axis=0).tolist()
        _, overflow, global_norm, learning_rate, loss_scale = results[-1]
        line = {"step": self.step, "epoch": (self.step - 1) // self.order.steps_per_epoch + 1, "loss": loss,
                "mlm_loss": mlm_loss, "nsp_loss": nsp_loss, "learning_rate": learning_rate, "loss_scale": loss_scale,
                "overflow": skipped > 0, "global_norm": global_norm,
                "tokens_per_second": looked.tokens / max(now - looked.since, 1e-9)}
        looked.outcomes, looked.tokens, looked.since = [], 0, now
        if overflow and loss_scale <= 1:
            raise BadInput(f"the loss or its gradients are not finite at step {self.step} (loss {loss}, loss scale "
                           f"{loss_scale:g}): lower the learning rate or lengthen the warmup; the last good state is "
                           "kept")
        return {name: value if not isinstance(value, float) or math.isfinite(value) else None
                for name, value in line.items()}

    def save_checkpoint(self):
        """A checkpoint for the user on the way. Of this run's the last save_checkpoint_num are kept; others' stay."""
        checkpoints.save_weights(Path(self.checkpoints[-1]), self.model)
        kept = list(dict.fromkeys(reversed(self.checkpoints)))[:self.options.save_checkpoint_num]
        for path in {*self.checkpoints} - {*kept}:
            Path(path).unlink(missing_ok=True)
        self.checkpoints = kept[::-1]


class MetricsLog:
    """metrics.jsonl as it grows: lines beyond `step`, of a run that did not get to save its state, are dropped."""

    def __init__(self, path, step):
        self.path = path
        lines = []
        if path.is_file():
            for line in path.read_text().splitlines():
                try:
                    if json.loads(line)["step"] <= step:
                        lines.append(line + "\n")
                except ValueError:    # half a line, where the writer was killed
                    break
        with atomic_write(path) as file:
            file.writelines(lines)

    def write(self, line):
        try:
            with open(self.path, "a") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise BadInput(f"{self.path} cannot be written: {error.strerror}; the last state is kept") from error
