"""Scores of predicted entities against the gold ones, standard and the model zoo's."""

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.metrics.spans import span_scores
from dump2bert.metrics.zoo import clue_benchmark, position_accuracy, token_scores
from dump2bert.tasks.datasets import dataset_of
from dump2bert.tasks.ner.reading import read
from dump2bert.tasks.ner.records import entities_of, label_of, read_predictions


def scores(gold, predicted, types):
    """-> {"standard", "zoo"} for lists of `label` objects as CLUENER writes them; types: all that count."""
    standard = span_scores([entities_of(label, "") for label in gold], [entities_of(label, "") for label in predicted],
                           types)
    return {"standard": standard, "zoo": {"clue_benchmark": clue_benchmark(gold, predicted, types)[0]}}


def label_id_scores(gold, predicted):
    """The zoo's scores of label ids (rows, max_seq_length), padding included."""
    return {"accuracy": position_accuracy(gold, predicted), **token_scores(gold, predicted)}


def evaluate(task, gold, predictions, label_ids, **own):
    """-> what metrics.json says of a NER task: records, the time that prediction took, and the metrics.

    label_ids: the .npz of the stage predict, or None: then there are no times and no token scores. own: what
    datasets.dataset_of takes.
    """
    dataset = dataset_of(task, "ner", **own)
    types = dataset.labels and list(dataset.labels)
    records = read(gold, dataset, types).records
    predicted = read_predictions(predictions, records, types)
    labels = [label_of(record.entities, record.text) for record in records]
    if types is None:
        types = sorted({kind for label in (*labels, *predicted) for kind in label})
    metrics = scores(labels, predicted, types)
    seconds = steps = None
    if label_ids:
        try:
            with np.load(label_ids) as arrays:
                seconds, steps = float(arrays["seconds"]), int(arrays["steps"])
                metrics["zoo"].update(label_id_scores(arrays["gold"], arrays["predicted"]))
        except (OSError, ValueError, KeyError) as error:
            raise BadInput(f"{label_ids} does not hold the label ids of labelled records, as `dump2bert predict` "
                           "writes them") from error
    return {"records": len(records), "seconds": seconds,
            "samples_per_second": len(records) / seconds if seconds else None,
            "ms_per_step": 1000 * seconds / steps if steps else None, "metrics": metrics}
