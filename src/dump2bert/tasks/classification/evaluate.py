"""Scores of predicted labels or scores against the gold ones, matched by id."""

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.tasks.classification.records import forms_of, known_labels, read_records
from dump2bert.tasks.classification.scores import scores
from dump2bert.tasks.classification.submissions import read_predictions


def evaluate(task, gold, predictions, label_ids, fields=None, regression=False):
    """-> what metrics.json says: records, the time that prediction took (where label_ids, the .npz of the stage
    predict, is given), and the metrics. The zoo counts accuracy and Spearman as everybody does."""
    labels = None if regression else known_labels(task, fields)
    records = read_records(gold, forms_of(task, fields), regression, labels)
    wanted = [record.label for record in records]
    if regression:
        found = read_predictions(predictions, records, True, None)
        standard = scores(wanted, found, None)
        zoo = {"spearman": standard["spearman"]}
    else:
        known = list(labels) if labels else None
        found = read_predictions(predictions, records, False, known)
        names = known or sorted({*wanted, *found})
        places = {name: number for number, name in enumerate(names)}
        standard = scores([places[label] for label in wanted], [places[label] for label in found], len(names))
        zoo = {"accuracy": standard["accuracy"]}
    seconds = steps = None
    if label_ids:
        try:
            with np.load(label_ids) as arrays:
                seconds, steps = float(arrays["seconds"]), int(arrays["steps"])
        except (OSError, ValueError, KeyError) as error:
            raise BadInput(f"{label_ids} is not what `dump2bert predict` writes as --label_ids") from error
    return {"records": len(records), "seconds": seconds,
            "samples_per_second": len(records) / seconds if seconds else None,
            "ms_per_step": 1000 * seconds / steps if steps else None, "metrics": {"standard": standard, "zoo": zoo}}
