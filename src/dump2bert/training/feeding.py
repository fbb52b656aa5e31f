"""How batches come to the device: one by one from the host, or through MindSpore's data sink.

A feeder has one method, train(steps, after_step) -> [(step, Outcome)], tokens: it trains on these steps, in order, and
may end early when after_step(), called after each, gives a reason to. `run`: a training.pretraining.Run, whose
`batch_of(step)` reads a batch and whose `train_on(step, batch)` trains on it.
"""

import mindspore as ms
import mindspore.dataset

from dump2bert.training.pretraining_batches import COLUMNS


def make_feeder(run, options):
    """The feeder of a run. A CPU has no data sink: there data_sink_steps is only how often losses are looked at."""
    if options.enable_data_sink and options.device_target != "CPU":
        return SinkFeeder(run, options.data_sink_steps)
    return HostFeeder(run)


class HostFeeder:
    def __init__(self, run):
        self.run = run

    def train(self, steps, after_step):
        outcomes, tokens = [], 0
        for step in steps:
            batch = self.run.batch_of(step)
            outcomes.append((step, self.run.train_on(step, batch)))
            tokens += int(batch["input_mask"].sum())
            if after_step():
                break
        return outcomes, tokens


class SinkFeeder:
    """A thread of MindSpore reads batches ahead and sends them to the device; `sink_size` steps are one call.

    Fewer steps than that (in front of a checkpoint or the end) come from the host. Not reached on a CPU; what it asks
    of MindSpore is tested, the sink itself could not be.
    """

    def __init__(self, run, sink_size):
        self.run, self.sink_size = run, sink_size
        self.host = HostFeeder(run)
        self.sink, self.upcoming, self.position = None, [], 0

    def train(self, steps, after_step):
        if len(steps) != self.sink_size:
            return self.host.train(steps, after_step)
        if self.upcoming[self.position:self.position + len(steps)] != steps:
            self.open(steps[0])    # the first call, or one after a rollback or after steps from the host
        self.outcomes, self.tokens, self.after_step = [], 0, after_step
        self.sink()
        return self.outcomes, self.tokens

    def open(self, first):
        """Send the batches from step `first` on."""
        self.upcoming, self.position = self.run.steps_from(first), 0
        dataset = ms.dataset.GeneratorDataset(Batches(self.run, self.upcoming), list(COLUMNS), shuffle=False)
        self.sink = ms.data_sink(self.train_on_next, dataset, sink_size=self.sink_size)

    def train_on_next(self, *columns):
        step = self.upcoming[self.position]
        self.position += 1
        batch = dict(zip(COLUMNS, columns))
        self.outcomes.append((step, self.run.train_on(step, batch)))
        self.tokens += batch["input_mask"].size    # padding included: to count without it would wait for the device
        self.after_step()


class Batches:
    """The source of a GeneratorDataset: the columns of each step's batch."""

    def __init__(self, run, steps):
        self.run, self.steps = run, list(steps)

    def __len__(self):
        return len(self.steps)

    def __getitem__(self, index):
        batch = self.run.batch_of(self.steps[index])
        return tuple(batch[name] for name in COLUMNS)
