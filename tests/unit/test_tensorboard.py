"""TensorBoard's own reader reads what we write."""

import json

import pytest

from dump2bert.training.metrics_log import EVENTS, MetricsLog


def scalars(path):
    """[(step, {tag: value})], as tensorflow reads them."""
    import tensorflow as tf
    from tensorflow.core.util import event_pb2

    events = [event_pb2.Event.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(path))]
    assert events[0].file_version == "brain.Event:2" and all(event.wall_time > 1e9 for event in events)
    return [(event.step, {value.tag: value.simple_value for value in event.summary.value}) for event in events[1:]]


@pytest.mark.slow
def test_events_are_those_of_the_log_also_after_going_back(tmp_path):
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path, 0, 10, tmp_path / "tensorboard")
    for step in (100, 200, 300):
        log.write({"step": step, "loss": 1.0 / step, "mlm_accuracy": 0.5, "nsp_accuracy": None, "overflow": False})
    log.go_back(200)
    log.write({"step": 250, "loss": None, "rolled_back": {}})     # holds nothing for a curve
    log.write({"step": 400, "loss": 0.25, "learning_rate": 1e-3})
    found = scalars(tmp_path / "tensorboard" / EVENTS)
    assert [step for step, _ in found] == [100, 200, 400]
    assert found[0][1] == {"loss": pytest.approx(0.01), "mlm_accuracy": 0.5}
    assert found[2][1] == {"loss": 0.25, "learning_rate": pytest.approx(1e-3)}
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [100, 200, 250, 400]
