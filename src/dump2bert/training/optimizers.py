"""The optimizers: LAMB, Adam with decoupled weight decay, and momentum.

An optimizer is a cell that is called with all gradients and their factors (N,) (loss scale, clipping and averaging in
one number each), changes the weights, and returns the learning rate it used. It counts its updates; skipped steps do not
count.
"""

import mindspore as ms
import numpy as np
from mindspore import Parameter, ParameterTuple, Tensor, nn, ops

from dump2bert.nets import compiled
from dump2bert.nets.operators import has_compiled_operators
from dump2bert.training.schedules import make_schedule

dot = ops.MatMul(transpose_b=True)


def squared_norm(x):
    """Sum of all squares, as a product of matrices: ReduceSum takes eight times as long on a CPU."""
    row = x.reshape(1, -1)
    return dot(row, row).reshape(())


class ComposedSquaredNorms(nn.Cell):
    def construct(self, *arrays):
        squares = ()
        for x in arrays:
            squares += (squared_norm(x),)
        return ops.stack(squares)


def squared_norms_form():
    """A form of: N arrays -> the sums of their squares (N,)"""
    return compiled.squared_norms() if has_compiled_operators() else ComposedSquaredNorms()


def decays(name):
    """No weight decay for biases and LayerNorm."""
    return "bias" not in name.lower() and "layernorm" not in name.lower()


class Optimizer(nn.Cell):
    """construct(gradients, factors): one update. `updates` () int32 counts them. `scratch`: parameters that hold nothing
    from one update to the next."""

    scratch = ()

    def __init__(self, parameters, schedule):
        super().__init__(auto_prefix=False)
        self.weights = ParameterTuple(parameters)
        self.count = len(self.weights)
        self.schedule = schedule
        self.updates = Parameter(Tensor(0, ms.int32), name="updates", requires_grad=False)

    def construct(self, gradients, factors):
        learning_rate = self.schedule(self.updates.astype(ms.float32))
        updates = ops.assign_add(self.updates, Tensor(1, ms.int32)).astype(ms.float32)
        # An operator whose result nobody uses is removed; `depend` ties all updates to what is returned.
        return ops.depend(learning_rate, self.update(gradients, factors, learning_rate, updates))


class Adam(Optimizer):
    """What the optimizers with moments have in common. `compiled_as`: the name of the operator that updates all weights at
    once (nets/compiled); where there is none, update_each does it with MindSpore's kernel."""

    compiled_as = None

    def __init__(self, parameters, schedule, weight_decay, eps, bias_correction, beta1=0.9, beta2=0.999):
        super().__init__(parameters, schedule)
        self.moments1 = self.weights.clone("moment1", init="zeros")
        self.moments2 = self.weights.clone("moment2", init="zeros")
        self.beta1, self.beta2, self.eps, self.bias_correction = beta1, beta2, eps, bias_correction
        self.decays = tuple(weight_decay if decays(weight.name) else 0.0 for weight in self.weights)
        self.constants = Tensor([beta1, 1 - beta1, beta2, 1 - beta2, eps], ms.float32)
        self.update_all = compiled.optimizer(self.compiled_as) if has_compiled_operators() else None
        self.adam = ops.Adam()
        # MindSpore's kernel computes 1 - beta in float32 (for 0.999 it is off by 1e-5), to which the moments are proportional.
        lost1, lost2 = ((1 - beta) / (1 - np.float32(beta)) for beta in (beta1, beta2))
        self.lost1, self.lost2 = float(lost1), float(np.sqrt(lost2))

    def update(self, gradients, factors, learning_rate, updates):
        correction1 = correction2 = Tensor(1.0, ms.float32)
        if self.bias_correction:
            correction1 = 1.0 / bias(self.beta1, updates)
            correction2 = 1.0 / ops.sqrt(bias(self.beta2, updates))
        if self.update_all is None:
            return self.update_each(gradients, factors, learning_rate, correction1, correction2)
        now = ops.stack((learning_rate, correction1, correction2))
        return self.update_all(now, self.constants, factors, Tensor(self.decays, ms.float32), *self.weights, *self.moments1,
                               *self.moments2, *gradients)

    def adam_step(self, i, target, rate, correction1, correction2, gradient):
        """target <- target - rate * Adam's step of weight i, without decay."""
        correction1, correction2 = correction1 * self.lost1, correction2 * self.lost2
        none = Tensor(0.0, ms.float32)
        return self.adam(target, self.moments1[i], self.moments2[i], none, none, rate * correction1 / correction2,
                         self.beta1, self.beta2, self.eps / correction2, gradient)


def bias(beta, updates):
    """1 - beta ** updates, what moments that started at 0 are short of."""
    return -ops.expm1(updates * float(np.log(beta)))


class AdamWeightDecay(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019), by default without bias correction, as in Google's
    BERT and MindSpore: w <- w - lr * (m / (sqrt(v) + eps) + weight_decay * w)."""

    compiled_as = "adam"

    def update_each(self, gradients, factors, learning_rate, correction1, correction2):
        done = ()
        for i in range(self.count):
            weight, rate = self.weights[i], learning_rate
            if self.decays[i]:
                rate = ops.depend(rate, ops.assign(weight, weight * (1.0 - learning_rate * self.decays[i])))
            done += (self.adam_step(i, weight, rate, correction1, correction2, gradients[i] * factors[i]),)
        return done


class Lamb(Adam):
    """LAMB (You et al. 2020, algorithm 2): Adam with bias correction and decay, each tensor's step scaled by its
    trust ratio |w| / |step| (1 where either is 0).

    Without a compiled operator Adam's step is added to `steps`, which hold -weight_decay * w: less than half of the memory
    traffic of the same in single operators, for one more array of the weights' size.
    """

    compiled_as = "lamb"

    def __init__(self, parameters, schedule, weight_decay, eps):
        super().__init__(parameters, schedule, weight_decay, eps, bias_correction=True)
        if self.update_all is None:
            self.steps = self.scratch = self.weights.clone("step", init="zeros")

    def update_each(self, gradients, factors, learning_rate, correction1, correction2):
        done = ()
        for i in range(self.count):
            weight, step = self.weights[i], self.steps[i]
            rate = ops.depend(Tensor(1.0, ms.float32), ops.assign(step, weight * -self.decays[i]))
            made = self.adam_step(i, step, rate, correction1, correction2, gradients[i] * factors[i])
            step = ops.depend(step, made)
            weight_norm, step_norm = ops.sqrt(squared_norm(weight)), ops.sqrt(squared_norm(step))
            usable = ops.logical_and(weight_norm > 0, step_norm > 0)
            trust = ops.select(usable, weight_norm / ops.maximum(step_norm, 1e-30), ops.ones_like(weight_norm))
            done += (ops.assign_add(weight, step * (learning_rate * trust)),)
        return done


class Momentum(Optimizer):
    """v <- momentum * v + g, w <- w - lr * v."""

    def __init__(self, parameters, schedule, momentum):
        super().__init__(parameters, schedule)
        self.velocities = self.weights.clone("velocity", init="zeros")
        self.momentum = momentum

    def update(self, gradients, factors, learning_rate, updates):
        done = ()
        for i in range(self.count):
            velocity = self.velocities[i] * self.momentum + gradients[i] * factors[i]
            done += (ops.assign(self.velocities[i], velocity),
                     ops.assign(self.weights[i], self.weights[i] - velocity * learning_rate))
        return done


def make_optimizer(name, options, parameters, total_steps, schedule="continuous"):
    """The optimizer `name` (Lamb, AdamWeightDecay or its alias AdamWeightDecayDynamicLR, Momentum) for `parameters`.

    `options`: its section of the configuration, a dict; `total_steps`: updates of the whole run; `schedule`: continuous
    or zoo.
    """
    rates = make_schedule(options, total_steps, schedule)
    if name == "Momentum":
        return Momentum(parameters, rates, options["momentum"])
    if name == "Lamb":
        return Lamb(parameters, rates, options["weight_decay"], options["eps"])
    return AdamWeightDecay(parameters, rates, options["weight_decay"], options["eps"], options["bias_correction"])
