"""Learning rates as a function of the number of updates done so far (0 for the first)."""

import mindspore as ms
from mindspore import nn, ops


class Constant(nn.Cell):
    def __init__(self, learning_rate):
        super().__init__()
        self.learning_rate = learning_rate

    def construct(self, step):
        return step * 0.0 + self.learning_rate


class WarmupPolynomialDecay(nn.Cell):
    """Rises from 0 to `learning_rate` in `warmup_steps`, then falls to `end_learning_rate` as a polynomial.

    The decay's progress goes from 0 to 1 between the end of the warmup and `decay_steps`. With `zoo`, as in the model
    zoo, it counts from step 0, so that the rate jumps down where the warmup ends. step () float32 -> rate () float32.
    """

    def __init__(self, learning_rate, end_learning_rate, power, warmup_steps, decay_steps, zoo=False):
        super().__init__()
        self.peak, self.end, self.power, self.warmup = learning_rate, end_learning_rate, power, warmup_steps
        self.start = 0 if zoo else warmup_steps
        self.length = max(decay_steps - self.start, 1)

    def construct(self, step):
        progress = ops.clamp((step - self.start) / self.length, 0.0, 1.0)
        decayed = (self.peak - self.end) * ops.pow(1.0 - progress, self.power) + self.end
        if self.warmup == 0:
            return decayed.astype(ms.float32)
        return ops.select(step < self.warmup, step * (self.peak / self.warmup), decayed).astype(ms.float32)


def make_schedule(options, total_steps, kind="continuous"):
    """The schedule of an optimizer's options. `decay_steps` None: all steps; `warmup_steps` None: a tenth of all steps,
    at most 10000 (the zoo's number for a full run)."""
    if "end_learning_rate" not in options:
        return Constant(options["learning_rate"])
    warmup = options["warmup_steps"]
    return WarmupPolynomialDecay(
        options["learning_rate"], options["end_learning_rate"], options["power"],
        min(total_steps // 10, 10000) if warmup is None else warmup,
        options["decay_steps"] or total_steps, zoo=kind == "zoo")
