"""Stage `join`: the statistics of the jobs that have written the shards of one data set -> its statistics.json."""

import os
from pathlib import Path

from dump2bert.errors import BadInput
from dump2bert.files import read_json, write_json
from dump2bert.progress import say


def run(*, part_statistics, output):
    """part_statistics: of all jobs. Their numbers are of the whole data set, but each lists only the shards it wrote."""
    output = Path(output)
    joined, shards = None, {}
    for path in part_statistics:
        statistics = read_json(path)
        if not isinstance(statistics, dict) or not {"instances", "shards"} <= statistics.keys():
            raise BadInput(f"{path} is not what `dump2bert pretraining_data` writes: make the pretraining data again")
        own = {os.path.relpath(Path(path).parent / name, output.parent): shard
               for name, shard in statistics.pop("shards").items()}
        if joined is not None and statistics != joined:
            raise BadInput(f"{path} and {part_statistics[0]} are of different data: all jobs need the same text, vocabulary "
                           "and options")
        twice = sorted(shards.keys() & own)
        if twice:
            raise BadInput(f"{path} lists {twice[0]}, as another job does: each job needs a --job of its own")
        joined, shards = statistics, {**shards, **own}
    listed = sum(shard["instances"] for shard in shards.values())
    if listed != joined["instances"]:
        raise BadInput(f"{', '.join(map(str, part_statistics))}: their shards have {listed} of {joined['instances']} instances: "
                       "name the statistics of all jobs")
    write_json(output, {**joined, "shards": dict(sorted(shards.items()))})
    say(f"{joined['instances']} instances in {len(shards)} shards of {len(part_statistics)} jobs")
