"""The train step: scaled loss, gradients, accumulation, overflow check, clipping, update, loss scale.

Everything happens on the device; the host reads an `Outcome` only when it wants to look. A step whose gradients are not
finite, or have overflowed on a device that hides it, changes nothing but the loss scale.
"""

from dataclasses import dataclass

import mindspore as ms
import numpy as np
from mindspore import Parameter, ParameterTuple, Tensor, nn, ops

from dump2bert.nets.operators import overflow_register
from dump2bert.training.distribution import World
from dump2bert.training.optimizers import squared_norms_form

MAX_NORM = 1.0


class LossScale(nn.Cell):
    """A dynamic loss scale: divided by `factor` after an overflow (never below 1), multiplied by it after `window` good
    steps in a row. `LossScale.none()` stays at 1."""

    def __init__(self, value, factor, window):
        super().__init__(auto_prefix=False)
        self.value = Parameter(Tensor(value, ms.float32), name="loss_scale", requires_grad=False)
        self.good_steps = Parameter(Tensor(0, ms.int32), name="good_steps", requires_grad=False)
        self.factor, self.window = factor, window

    @classmethod
    def none(cls):
        return cls(1.0, 1.0, 1)

    def construct(self, overflow):
        """Take note of a step's overflow, () bool -> the scale of the next step."""
        good_steps = ops.select(overflow, self.good_steps * 0, self.good_steps + 1)
        full = good_steps >= self.window
        lower, higher = ops.maximum(self.value / self.factor, 1.0), self.value * self.factor
        value = ops.select(overflow, lower, ops.select(full, higher, self.value * 1.0))
        done = ops.assign(self.good_steps, ops.select(full, good_steps * 0, good_steps))
        return ops.depend(ops.assign(self.value, value), done)


class Gradients(nn.Cell):
    """One micro-batch -> losses (the loss and what the network returns with it), gradients of the scaled loss."""

    def __init__(self, loss_network, weights, loss_scale):
        super().__init__(auto_prefix=False)
        self.differentiate = ms.value_and_grad(ScaledLoss(loss_network, loss_scale), None, weights, has_aux=True)

    def construct(self, *batch):
        (_, losses), gradients = self.differentiate(*batch)
        return losses, gradients


class ScaledLoss(nn.Cell):
    def __init__(self, loss_network, loss_scale):
        super().__init__(auto_prefix=False)
        self.loss_network, self.loss_scale = loss_network, loss_scale

    def construct(self, *batch):
        losses = self.loss_network(*batch)
        if not isinstance(losses, tuple):
            losses = (losses,)
        return losses[0] * self.loss_scale.value, losses


class Update(nn.Cell):
    """Gradients, summed over `accumulation_steps` micro-batches of a scaled loss, and over the ranks of `world` (see
    training/distribution.py) -> one update of the weights."""

    def __init__(self, optimizer, loss_scale, clip, accumulation_steps, world):
        super().__init__(auto_prefix=False)
        self.optimizer, self.loss_scale = optimizer, loss_scale
        self.clip, self.parts = clip, accumulation_steps * world.size
        self.distributed, self.all_reduce = world.size > 1, world.all_reduce
        self.overflow_register = overflow_register()
        self.squared_norms = squared_norms_form()

    def construct(self, gradients):
        """-> overflow () bool, global norm, learning rate (0 where the step was skipped), and the loss scale used."""
        scale = self.loss_scale.value * 1.0
        unscale = 1.0 / (scale * self.parts)
        if self.distributed:
            summed = ()
            for gradient in gradients:
                summed += (self.all_reduce(gradient),)
            gradients = summed
        squares = self.squared_norms(*gradients)
        total = squares.sum()
        global_norm = ops.sqrt(total) * unscale
        overflow = ops.logical_not(ops.isfinite(total))
        if self.overflow_register is not None:
            noted = self.overflow_register(gradients)
            if self.distributed:
                noted = self.all_reduce(noted)
            overflow = ops.logical_or(overflow, noted > 0)
        norms = ops.sqrt(squares) * unscale
        if self.clip == "global_norm":
            norms = ops.zeros_like(squares) + global_norm
        factors = ops.zeros_like(squares) + unscale
        if self.clip != "none":
            factors = factors * MAX_NORM / ops.maximum(norms, MAX_NORM)
        learning_rate = Tensor(0.0, ms.float32)
        if not overflow:
            learning_rate = self.optimizer(gradients, factors)
        next_scale = self.loss_scale(overflow)
        return overflow, global_norm, learning_rate, ops.depend(scale, next_scale)


class WholeStep(nn.Cell):
    """Gradients and update in one graph, where there is nothing to accumulate."""

    def __init__(self, gradients, update):
        super().__init__(auto_prefix=False)
        self.gradients, self.update = gradients, update

    def construct(self, *batch):
        losses, gradients = self.gradients(*batch)
        return losses, self.update(gradients)


class Accumulate(nn.Cell):
    """Adds the gradients of one micro-batch to the sums."""

    def __init__(self, gradients, sums):
        super().__init__(auto_prefix=False)
        self.gradients, self.sums = gradients, sums

    def construct(self, *batch):
        losses, gradients = self.gradients(*batch)
        done = ()
        for i in range(len(self.sums)):
            done += (ops.assign_add(self.sums[i], gradients[i]),)
        return ops.depend(losses, done)


class UpdateFromSums(nn.Cell):
    """The update after the last micro-batch; the sums start from 0 again."""

    def __init__(self, update, sums):
        super().__init__(auto_prefix=False)
        self.update, self.sums = update, sums

    def construct(self):
        outcome = self.update(self.sums)
        done = ()
        for total in self.sums:
            done += (ops.assign(total, ops.depend(ops.zeros_like(total), outcome)),)
        return ops.depend(outcome, done)


@dataclass
class Outcome:
    """What a step says, still on the device; `read` waits for it."""

    losses: list     # for each micro-batch a tuple: the loss and what came with it
    update: tuple    # of Update

    def read(self):
        """-> losses (means over the micro-batches), overflow, global_norm, learning_rate, loss_scale: plain numbers."""
        losses = np.mean([[float(value.asnumpy()) for value in values] for values in self.losses], axis=0).tolist()
        overflow, global_norm, learning_rate, loss_scale = (value.asnumpy().item() for value in self.update)
        return losses, bool(overflow), global_norm, learning_rate, loss_scale


class TrainStep:
    """step(micro_batches) -> Outcome: one update of the weights.

    loss_network.construct(*batch) -> loss () or (loss, ...); optimizer: of training.optimizers; loss_scale: a
    LossScale, or None; clip: global_norm, tensor_norm or none; micro_batches: `accumulation_steps` tuples of tensors of
    equal shapes; world: the ranks, each of which has micro-batches of its own. The loss of the update is the mean of
    all of theirs; gradients are exchanged once for each update.
    """

    def __init__(self, loss_network, optimizer, loss_scale=None, clip="global_norm", accumulation_steps=1,
                 world=World()):
        self.optimizer, self.loss_scale = optimizer, loss_scale or LossScale.none()
        self.accumulation_steps = accumulation_steps
        gradients = Gradients(loss_network, optimizer.weights, self.loss_scale)
        update = Update(optimizer, self.loss_scale, clip, accumulation_steps, world)
        if accumulation_steps == 1:
            self.whole = WholeStep(gradients, update)
        else:
            sums = ParameterTuple(optimizer.weights).clone("gradient", init="zeros")
            self.accumulate, self.update = Accumulate(gradients, sums), UpdateFromSums(update, sums)

    def __call__(self, micro_batches):
        if self.accumulation_steps == 1:
            losses, update = self.whole(*micro_batches[0])
            return Outcome([losses], update)
        losses = [self.accumulate(*batch) for batch in micro_batches]
        return Outcome(losses, self.update())

    def parameters(self):
        """name -> Parameter of everything that changes while training: weights, moments, counters, loss scale."""
        cells = (*self.optimizer.get_parameters(), *self.loss_scale.get_parameters())
        scratch = {item.name for item in self.optimizer.scratch}
        return {item.name: item for item in cells if item.name not in scratch}
