"""Named entities by exact span and type, as CoNLL's evaluation and seqeval's strict mode count them.

An entity is a tuple (start, end, type); a record's entities are a set, so nested and overlapping ones count as well.
"""

from collections import Counter

from dump2bert.metrics.standard import precision_recall_f1, ratio


def span_scores(gold, predicted, types=()):
    """Micro scores over all entities, macro F1 over the types, and each type's scores.

    gold, predicted: for each record a set of (start, end, type), both of the same length and order; `types`: those that
    shall have an entry even if they never occur.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold records, but {len(predicted)} predicted ones")
    right, found, relevant = Counter(), Counter(), Counter()
    for gold_spans, predicted_spans in zip(gold, predicted):
        right.update(span[2] for span in gold_spans & predicted_spans)
        found.update(span[2] for span in predicted_spans)
        relevant.update(span[2] for span in gold_spans)
    names = sorted({*types, *found, *relevant})
    per_type = {name: {**precision_recall_f1(right[name], found[name], relevant[name]), "support": relevant[name]}
                for name in names}
    return {**precision_recall_f1(right.total(), found.total(), relevant.total()),
            "macro_f1": ratio(sum(scores["f1"] for scores in per_type.values()), len(per_type)),
            "per_type": per_type}
