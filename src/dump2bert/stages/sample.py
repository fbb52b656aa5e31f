"""Stage sample: the generated sample world, as a dump with its sums file and as task data sets."""

import hashlib
import json
import random

from dump2bert.files import atomic_write
from dump2bert.progress import say

DUMP_NAME = "samplewiki-pages-articles.xml.bz2"
SUMS_NAME = "samplewiki-sha1sums.txt"


def run(*, output_dir, seed, articles, records):
    """Write the world of `seed` with `articles` articles, and data sets with `records` training records, to `output_dir`."""
    from dump2bert.sample import cluener, export
    from dump2bert.sample.world import World

    # Every file has a generator of its own, so that a change in one data set leaves the others as they are.
    world = World(random.Random(f"world {seed}"), articles)
    dump = export.dump(random.Random(f"dump {seed}"), world)
    write_bytes(output_dir / DUMP_NAME, dump)
    write_bytes(output_dir / SUMS_NAME, f"{hashlib.sha1(dump).hexdigest()}  {DUMP_NAME}\n".encode())
    say(f"sample: {articles} articles, {len(dump) / 1e6:.2f} MB of dump")
    train, dev = cluener.records(random.Random(f"cluener {seed}"), world, records)
    write_json_lines(output_dir / "cluener" / "train.json", train)
    write_json_lines(output_dir / "cluener" / "dev.json", dev)


def write_bytes(path, content):
    with atomic_write(path, "wb") as file:
        file.write(content)


def write_json_lines(path, records):
    with atomic_write(path) as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
