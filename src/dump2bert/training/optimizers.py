"""The optimizers: LAMB, Adam with decoupled weight decay, and momentum.

An optimizer is a cell that is called with all gradients and one factor for each (loss scale, clipping and averaging in
one number), changes the weights, and returns the learning rate it used. It counts its updates; skipped steps do not
count.
"""

import mindspore as ms
import numpy as np
from mindspore import Parameter, ParameterTuple, Tensor, nn, ops

from dump2bert.training.schedules import make_schedule

dot = ops.MatMul(transpose_b=True)


def squared_norm(x):
    """Sum of all squares, as a product of matrices: ReduceSum takes eight times as long on a CPU."""
    row = x.reshape(1, -1)
    return dot(row, row).reshape(())


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
    """What the optimizers with moments have in common: MindSpore's fused kernel, w <- w - rate * m / (sqrt(v) + eps), as
    self.adam(w, m, v, beta1 ** t or 0, beta2 ** t or 0, rate * self.rate_factor, beta1, beta2, eps * self.eps_factor, g)."""

    def __init__(self, parameters, schedule, weight_decay, eps, beta1=0.9, beta2=0.999):
        super().__init__(parameters, schedule)
        self.moments1 = self.weights.clone("moment1", init="zeros")
        self.moments2 = self.weights.clone("moment2", init="zeros")
        self.beta1, self.beta2, self.eps, self.weight_decay = beta1, beta2, eps, weight_decay
        # The kernel computes 1 - beta in float32 (for 0.999 it is off by 1e-5); the moments are proportional to it, so
        # their quotient is put right by a factor on the rate and on eps.
        lost1, lost2 = ((1 - beta) / (1 - np.float32(beta)) for beta in (beta1, beta2))
        self.rate_factor, self.eps_factor = float(lost1 / np.sqrt(lost2)), float(1 / np.sqrt(lost2))
        self.decays = tuple(weight_decay > 0 and decays(weight.name) for weight in self.weights)
        self.adam = ops.Adam()


class AdamWeightDecay(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019), by default without bias correction, as in Google's
    BERT and MindSpore: w <- w - lr * (m / (sqrt(v) + eps) + weight_decay * w)."""

    def __init__(self, parameters, schedule, weight_decay, eps, beta1=0.9, beta2=0.999, bias_correction=False):
        super().__init__(parameters, schedule, weight_decay, eps, beta1, beta2)
        self.bias_correction = bias_correction

    def update(self, gradients, factors, learning_rate, updates):
        power1 = power2 = Tensor(0.0, ms.float32)
        if self.bias_correction:
            power1, power2 = ops.pow(self.beta1, updates), ops.pow(self.beta2, updates)
        done = ()
        for i in range(self.count):
            weight, rate = self.weights[i], learning_rate * self.rate_factor
            if self.decays[i]:
                rate = ops.depend(rate, ops.assign(weight, weight * (1.0 - learning_rate * self.weight_decay)))
            done += (self.adam(weight, self.moments1[i], self.moments2[i], power1, power2, rate, self.beta1, self.beta2,
                               self.eps * self.eps_factor, gradients[i] * factors[i]),)
        return done


class Lamb(Adam):
    """LAMB (You et al. 2020, algorithm 2): Adam with bias correction and decay, each tensor's step scaled by its
    trust ratio |w| / |step| (1 where either is 0).

    The kernel adds Adam's step to `steps`, which hold -weight_decay * w: less than half of the memory traffic of the
    same in single operators, for one more array of the weights' size.
    """

    def __init__(self, parameters, schedule, weight_decay, eps, beta1=0.9, beta2=0.999):
        super().__init__(parameters, schedule, weight_decay, eps, beta1, beta2)
        self.steps = self.scratch = self.weights.clone("step", init="zeros")

    def update(self, gradients, factors, learning_rate, updates):
        power1, power2 = ops.pow(self.beta1, updates), ops.pow(self.beta2, updates)
        # The kernel corrects the rate for both moments, which leaves eps to be corrected.
        eps = self.eps * self.eps_factor * ops.sqrt(1.0 - power2)
        done = ()
        for i in range(self.count):
            weight, step = self.weights[i], self.steps[i]
            decay = weight * (-self.weight_decay if self.decays[i] else 0.0)
            rate = ops.depend(Tensor(self.rate_factor, ms.float32), ops.assign(step, decay))
            made = self.adam(step, self.moments1[i], self.moments2[i], power1, power2, rate, self.beta1, self.beta2, eps,
                             gradients[i] * factors[i])
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
    return AdamWeightDecay(parameters, rates, options["weight_decay"], options["eps"],
                           bias_correction=options["bias_correction"])
