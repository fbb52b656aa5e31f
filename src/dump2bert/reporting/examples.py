"""Predictions against gold: records of the development set with their entities marked as right, wrong or missed."""

from pathlib import Path

from dump2bert.errors import BadInput
from dump2bert.files import read_json_lines


def read_examples(folder, metrics):
    """All records of a NER run, in the order of the gold file: a list of {"number", "text", "spans", "pieces"}.

    `folder` holds the predictions; the gold file is the other input that `metrics` names. None where either is not
    there any more (a cleaned-up folder), is of another length, or is not about entities.
    """
    gold_file = next((path for path in map(Path, metrics.get("inputs", {}))
                      if path.suffix == ".json" and not path.name.startswith("predictions")), None)
    try:
        gold = [value for _, value in read_json_lines(gold_file)] if gold_file else []
        predicted = [value for _, value in read_json_lines(Path(folder) / "predictions.json")]
    except BadInput:
        return None
    if not gold or len(gold) != len(predicted) or not all(
            "text" in record and isinstance(record.get("label"), dict) for record in gold):
        return None
    return [compared(number, record, prediction) for number, (record, prediction) in enumerate(zip(gold, predicted))]


def compared(number, record, prediction):
    """One record: its spans as (start, end, type, verdict), end exclusive, verdict right, wrong or missed."""
    wanted, given = spans_of(record.get("label", {})), spans_of(prediction.get("label", {}))
    spans = sorted([(*span, "right") for span in wanted & given] + [(*span, "wrong") for span in given - wanted]
                   + [(*span, "missed") for span in wanted - given])
    return {"number": number, "text": record["text"], "spans": spans, "pieces": pieces(record["text"], spans)}


def spans_of(label):
    """A record's entities, from CLUENER's {type: {entity: [[first, last], ...]}} to a set of (start, end, type)."""
    return {(first, last + 1, kind) for kind, entities in label.items() for places in entities.values()
            for first, last in places}


def pieces(text, spans):
    """The text cut wherever a span starts or ends: a list of (text, verdicts that hold there, [(type, verdict)] that
    end there). Spans may overlap: a prediction with a wrong border covers most of what it missed."""
    cuts = sorted({0, len(text)}.union(*[{min(start, len(text)), min(end, len(text))} for start, end, _, _ in spans]))
    result = []
    for start, end in zip(cuts, cuts[1:]):
        verdicts = sorted({verdict for first, last, _, verdict in spans if first < end and start < last})
        ending = [(kind, verdict) for _, last, kind, verdict in spans if last == end]
        result.append((text[start:end], verdicts, ending))
    return result


def chosen(examples, number):
    """`number` records that have entities, gold or predicted, evenly spaced over the file: no one picked them. Of
    questions those with a wrong answer, if there are any."""
    candidates = [example for example in examples if example["spans"]]
    if any("question" in example for example in candidates):
        candidates = [example for example in candidates if example["spans"][0][3] != "right"] or candidates
    if len(candidates) <= number:
        return candidates
    return [candidates[int((place + 0.5) * len(candidates) / number)] for place in range(number)]


def counted(examples):
    """{"right", "wrong", "missed"}: entities of all records."""
    verdicts = [span[3] for example in examples for span in example["spans"]]
    return {verdict: verdicts.count(verdict) for verdict in ("right", "wrong", "missed")}
