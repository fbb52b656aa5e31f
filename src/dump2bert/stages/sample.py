"""Stage sample: the generated sample world, as a dump with its sums file and as task data sets."""

import hashlib
import json
import random

from dump2bert.files import atomic_write
from dump2bert.progress import say

DUMP_NAME = "samplewiki-pages-articles.xml.bz2"
MULTISTREAM_NAME = "samplewiki-pages-articles-multistream.xml.bz2"
INDEX_NAME = "samplewiki-pages-articles-multistream-index.txt.bz2"
SUMS_NAME = "samplewiki-sha1sums.txt"


def run(*, output_dir, seed, articles, records):
    """Write the world of `seed` with `articles` articles, and data sets with `records` training records each."""
    from dump2bert.sample import cluener, cola, export, squad, stsb, tnews
    from dump2bert.sample.world import World

    # Every file has a generator of its own, so that a change in one data set leaves the others as they are.
    world = World(random.Random(f"world {seed}"), articles)
    names = (DUMP_NAME, MULTISTREAM_NAME, INDEX_NAME)
    dumps = dict(zip(names, export.dumps(random.Random(f"dump {seed}"), world)))
    for name, content in dumps.items():
        write_bytes(output_dir / name, content)
    sums = [f"{hashlib.sha1(content).hexdigest()}  {name}\n" for name, content in dumps.items()]
    write_bytes(output_dir / SUMS_NAME, "".join(sums).encode())
    say(f"sample: {articles} articles, {len(dumps[DUMP_NAME]) / 1e6:.2f} MB of dump")
    train, dev = cluener.records(random.Random(f"cluener {seed}"), world, records)
    write_json_lines(output_dir / "cluener" / "train.json", train)
    write_json_lines(output_dir / "cluener" / "dev.json", dev)
    train, dev = tnews.records(random.Random(f"tnews {seed}"), world, records)
    write_json_lines(output_dir / "tnews" / "train.json", train)
    write_json_lines(output_dir / "tnews" / "dev.json", dev)
    write_json_lines(output_dir / "tnews" / "labels.json", tnews.labels())
    train, dev = squad.data(random.Random(f"squad {seed}"), world, records)
    write_json_lines(output_dir / "squad" / "train-v1.1.json", [train])
    write_json_lines(output_dir / "squad" / "dev-v1.1.json", [dev])
    train, dev = cola.records(random.Random(f"cola {seed}"), world, records)
    write_rows(output_dir / "cola" / "train.tsv", train)
    write_rows(output_dir / "cola" / "dev.tsv", dev)
    train, dev = stsb.records(random.Random(f"stsb {seed}"), world, records)
    write_rows(output_dir / "stsb" / "sts-train.tsv", train)
    write_rows(output_dir / "stsb" / "sts-dev.tsv", dev)
    say(f"sample: cluener, tnews, squad, cola and stsb with {records} training records each")


def write_bytes(path, content):
    with atomic_write(path, "wb") as file:
        file.write(content)


def write_rows(path, rows):
    with atomic_write(path) as file:
        for row in rows:
            file.write("\t".join(row) + "\n")


def write_json_lines(path, records):
    with atomic_write(path) as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
