"""A pretraining run: a network, its data, its optimizer and its state come together. (The loop: pretraining_loop.py.)

A step is a batch that was trained on; an update is a step that was not skipped for overflow. What happens at a step
follows from the seed, its number and the state before it, so a run that was killed and goes on from a snapshot ends
with the very weights of an undisturbed one (on a CPU; accelerators have their own dropout). A step that went wrong (see
watch.py) is undone by going back to the last snapshot, and left out from then on.
"""

import numpy as np
from mindspore import Tensor, ops

from dump2bert.errors import BadInput
from dump2bert.files import sha256_of
from dump2bert.nets.bert import initialize, namespace
from dump2bert.nets.heads import BertForPretraining, PretrainingLoss
from dump2bert.progress import say
from dump2bert.training import checkpoints
from dump2bert.training.data import Order
from dump2bert.training.distribution import World
from dump2bert.training.dropout import DropoutSource
from dump2bert.training.optimizers import make_optimizer
from dump2bert.training.pretraining_batches import micro_batches, read_batch
from dump2bert.training.step import LossScale, TrainStep
from dump2bert.training.watch import LossWatch, Rollbacks

KEY_OPTIONS = ("optimizer", "schedule", "gradient_clip", "enable_lossscale", "loss_scale_value", "scale_factor",
               "scale_window", "do_shuffle", "accumulation_steps", "mlm_loss", "batch_size", "seed", "device_target")


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
        raise BadInput("the network's dtype must be float32, the type of the weights; compute_type may be float16 or bfloat16")
    multiple = network["pad_vocab_size_to"]
    return {**network, "vocab_size": -(-size // multiple) * multiple, "seq_length": seq_length,
            "compute_type": compute_type}


def state_key(options, network, data, load_checkpoint_path):
    """All that the weights depend on but the code, the number of steps, and what is the machine's: the number of devices and
    the type that they compute in (which the state remembers: going on with another is refused, not begun anew).

    network: resolved, with the compute_type that was asked for."""
    key = {"data": data, "network": network, "optimizer_options": getattr(options, options.optimizer),
           "initial_weights": sha256_of(load_checkpoint_path) if load_checkpoint_path else None,
           **{name: getattr(options, name) for name in KEY_OPTIONS}}
    if options.mlm_loss == "global":
        del key["mlm_loss"]    # what states are that were written before there was a choice
    return key


class Run:
    """One pretraining run. `options`: the fields of config.py's Pretrain; `records`: training.data.Records; `world`:
    the ranks that train together, one of which this process is. Rank 0 alone reads and writes files of the run."""

    def __init__(self, options, network, records, load_checkpoint_path=None, world=World()):
        self.options, self.network, self.records, self.world = options, namespace(network), records, world
        self.rows = options.batch_size * options.accumulation_steps    # of a step, on one device
        self.order = Order(len(records), self.rows * world.size, options.seed, options.do_shuffle)
        if not self.order.steps_per_epoch:
            raise BadInput(f"the data has {len(records)} records, fewer than one batch of {self.order.batch}: give a "
                           "smaller --batch_size")
        self.last_step = options.epoch_size * self.order.steps_per_epoch
        self.last_update = self.last_step if options.train_steps < 0 else min(options.train_steps, self.last_step)
        self.model = BertForPretraining(self.network)
        initialize(self.model, options.seed, self.network.initializer_range, self.network.initial_attention)
        if load_checkpoint_path:
            checkpoints.check_network(load_checkpoint_path, vars(self.network))
            # Of an encoder alone the pretraining heads start as drawn.
            missing = checkpoints.load_weights(load_checkpoint_path, self.model, needed="bert.")
            if missing:
                say(f"{load_checkpoint_path} has no {', '.join(missing)}: these start at random")
        optimizer = make_optimizer(options.optimizer, getattr(options, options.optimizer),
                                   self.model.trainable_params(), self.last_update, options.schedule)
        loss_scale = None
        if options.enable_lossscale:
            loss_scale = LossScale(options.loss_scale_value, options.scale_factor, options.scale_window)
        self.train_step = TrainStep(PretrainingLoss(self.model), optimizer, loss_scale, options.gradient_clip,
                                    options.accumulation_steps, world)
        self.dropout = DropoutSource(self.network, options.seed)
        self.watch = LossWatch(options.spike_factor, options.spike_window)
        self.rollbacks = Rollbacks()
        self.step = self.updates = 0
        self.checkpoints = []    # paths of those written for the user on the way, by this run and no other

    # ------------------------------------------------------------------------------------------------------- state

    def save(self, state):
        arrays = {name: item.asnumpy() for name, item in self.train_step.parameters().items()}
        state.save(self.step, arrays, {"updates": self.updates, "device_num": self.world.size,
                                       "compute_type": self.network.compute_type, "checkpoints": self.checkpoints,
                                       "losses": list(self.watch.losses)})

    def restore(self, state, fresh):
        """Go on from the newest snapshot, if there is one. BadInput where it is of another number of devices or
        computed in another type, or beyond the steps asked for."""
        self.rollbacks = Rollbacks(state.folder / "rollbacks.jsonl")
        snapshot = state.load()
        if snapshot is None:
            return
        step, _, about = snapshot
        wrong = None
        if about["device_num"] != self.world.size:
            wrong = (f"{state.folder} was trained on {about['device_num']} devices, not on {self.world.size}: give "
                     f"--device_num {about['device_num']} to go on")
        elif about["compute_type"] != self.network.compute_type:
            wrong = (f"{state.folder} was trained in {about['compute_type']}, but here matrix products are in "
                     f"{self.network.compute_type}: go on where {about['compute_type']} can be had as before")
        elif about["updates"] > self.last_update or step > self.last_step:
            wrong = (f"{state.folder} is at step {step}, beyond the {self.last_update} steps asked for: ask for more "
                     "steps (--train_steps, --epoch_size)")
        if wrong and not fresh:
            raise BadInput(f"{wrong}, or give --fresh true to begin anew")
        if wrong:
            state.clear()
            self.rollbacks.clear()
            return
        self.take(snapshot)
        say(f"goes on from step {step} ({state.folder})")

    def take(self, snapshot):
        self.step, arrays, about = snapshot
        set_values(self.train_step.parameters(), arrays)
        self.updates, self.checkpoints = about["updates"], about["checkpoints"]
        self.watch.losses.clear()
        self.watch.losses.extend(about["losses"])

    def share(self):
        """Put all ranks where rank 0 stands."""
        if self.world.size == 1:
            return
        parameters = self.train_step.parameters()
        set_values(parameters, self.world.share({name: item.asnumpy() for name, item in parameters.items()}))
        self.step, self.updates = self.world.share({"": np.array([self.step, self.updates])})[""].tolist()
        left_out = np.array(sorted(self.rollbacks.left_out))
        count = int(self.world.share({"": np.array([len(left_out)])})[""][0])
        left_out = self.world.share({"": left_out if self.world.is_first else np.zeros(count, int)})[""].tolist()
        if not self.world.is_first:
            self.rollbacks.lines = [{"step": step + 1} for step in left_out]

    # ------------------------------------------------------------------------------------------------------- steps

    def batch_of(self, step):
        """The columns of this rank's part of a step's batch."""
        numbers = self.order.numbers(step)[self.world.rank * self.rows:][:self.rows]
        epoch = step // self.order.steps_per_epoch
        return read_batch(self.records, numbers, self.network, self.options.seed, epoch)

    def train_on(self, step, batch):
        """Train on a batch -> Outcome."""
        return self.train_step(micro_batches(batch, self.options.accumulation_steps, self.dropout, step, self.world,
                                             self.options.mlm_loss))

    def steps_from(self, first):
        """All steps from `first` on that are not left out."""
        left_out = self.rollbacks.left_out
        return [step for step in range(first, self.last_step) if step not in left_out]

    def next_steps(self):
        """The steps to be trained until losses are looked at (every data_sink_steps, before a snapshot, at the end),
        and the number of the step after them."""
        options, steps, left_out = self.options, [], self.rollbacks.left_out
        interval = options.data_sink_steps if options.enable_data_sink else 1
        end = self.step
        while True:
            if end not in left_out:
                steps.append(end)
            end += 1
            if end % interval == 0 or end % options.save_checkpoint_steps == 0 or end >= self.last_step \
                    or self.updates + len(steps) >= self.last_update:
                return steps, end

    @property
    def finished(self):
        return self.updates >= self.last_update or self.step >= self.last_step


def set_values(parameters, arrays):
    """Give parameters (by name) the values of arrays. By ops.assign: a number that is given to a parameter by set_data
    does not reach a compiled graph with branches (MindSpore 2.10, CPU)."""
    for name, item in parameters.items():
        ops.assign(item, Tensor(arrays[name]))
