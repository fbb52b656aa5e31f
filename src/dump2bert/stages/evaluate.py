"""Stage `evaluate`: predictions against gold data -> metrics.json."""

from dump2bert.digest import load
from dump2bert.files import sha256_of, write_json
from dump2bert.progress import say
from dump2bert.tasks.datasets import given, kind_of


def run(*, task, kind, gold, predictions, label_ids, output, network, variant, seed, split, spec, format, fields,
        labels):
    """network, variant, seed, split: say in the result what was evaluated; label_ids: what the stage predict left, or
    None; spec, format, fields, labels: as in task_data."""
    kind = kind_of(task, kind, spec, fields)
    own = given(kind, spec=spec, format=format, fields=fields, labels=labels)
    result = load(f"tasks.{kind}.evaluate").evaluate(task, gold, predictions, label_ids, **own)
    metrics = result.pop("metrics")
    inputs = {str(path): sha256_of(path) for path in (gold, predictions)}
    write_json(output, {"task": task, "network": network, "variant": variant or task, "seed": seed, "split": split,
                        **result, "inputs": inputs, "metrics": metrics})
    for family, values in metrics.items():
        numbers = [f"{name} {value:.4f}" for name, value in values.items() if isinstance(value, float)]
        say(f"{family}: {', '.join(numbers)}")
