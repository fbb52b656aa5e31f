"""Scores of predicted labels or scores against the gold ones, matched by id."""

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.tasks.classification.records import read_records
from dump2bert.tasks.classification.scores import scores, zoo_scores
from dump2bert.tasks.classification.submissions import read_predictions
from dump2bert.tasks.datasets import dataset_of


def evaluate(task, gold, predictions, label_ids, kind="classification", **own):
    """-> what metrics.json says: records, the time that prediction took (where label_ids, the .npz of the stage
    predict, is given), and the metrics. own: what datasets.dataset_of takes."""
    dataset = dataset_of(task, kind, **own)
    labels = dataset.labels and list(dataset.labels)
    records = read_records(gold, dataset, labels)
    wanted, names = [record.label for record in records], None
    found = read_predictions(predictions, records, kind == "regression", labels)
    if kind == "classification":
        names = labels or sorted({*wanted, *found})
        places = {name: number for number, name in enumerate(names)}
        wanted, found = ([places[label] for label in values] for values in (wanted, found))
    seconds = steps = None
    if label_ids:
        try:
            with np.load(label_ids) as arrays:
                seconds, steps = float(arrays["seconds"]), int(arrays["steps"])
        except (OSError, ValueError, KeyError) as error:
            raise BadInput(f"{label_ids} is not what `dump2bert predict` writes as --label_ids") from error
    return {"records": len(records), "seconds": seconds,
            "samples_per_second": len(records) / seconds if seconds else None,
            "ms_per_step": 1000 * seconds / steps if steps else None,
            "metrics": {"standard": scores(wanted, found, names), "zoo": zoo_scores(wanted, found, names)}}
