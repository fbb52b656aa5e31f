"""Stage `report`: what the other stages have left -> one self-contained page about the run, or about one task of it."""

import json

from dump2bert.errors import BadInput
from dump2bert.files import atomic_write, read_json
from dump2bert.progress import say


def run(*, results_dir, output, config, task):
    """config: the configuration as JSON text or the name of a JSON file, or None: show all that is found.
    task: name of the task that the page is about, or None."""
    from dump2bert.reporting.collect import collect
    from dump2bert.reporting.pages import page
    from dump2bert.reporting.provenance import provenance

    if not results_dir.is_dir():
        raise BadInput(f"{results_dir} is no folder: give the results folder of a run as --results_dir")
    found = collect(results_dir, read_config(config), task)
    if task and task not in found["tasks"]:
        known = ", ".join(found["config"].get("tasks", {}))
        raise BadInput(f"--task {task} is no task of this run: {known or 'it has none'}")
    text = page(found, provenance(), task)
    with atomic_write(output) as file:
        file.write(text)
    say(f"{output}: {len(found['networks'])} networks, {len(found['tasks'])} tasks, {len(text.encode()) / 1e3:.0f} kB")


def read_config(config):
    if config is None or not config.lstrip().startswith("{"):
        return config and read_json(config)
    try:
        return json.loads(config)
    except ValueError as error:
        raise BadInput(f"--config is not valid JSON: {error}") from error
