"""Stage `schema`: every record of every shard is checked, then schema.json tells MindSpore what the shards hold."""

from dump2bert.errors import BadInput
from dump2bert.files import write_json
from dump2bert.progress import Progress, say


def run(*, data_dir, vocab_file, output):
    """data_dir: folder of the shards, with statistics.json where our own stage has made them."""
    from dump2bert.pretraining.examples import columns, schema
    from dump2bert.pretraining.validation import find_shards, shape_of, validate_shard
    from dump2bert.tokenization import load_vocabulary

    vocab_size = len(load_vocabulary(vocab_file))
    shards = find_shards(data_dir)
    shape = shape_of(shards[0])
    rows, progress = 0, Progress(len(shards), "shard", "validated")
    for path in shards:
        if shape_of(path) != shape:
            raise BadInput(f"{path} has sequences of {shape_of(path)} tokens and predictions, {shards[0]} of {shape}: "
                           "the shards of a folder must be alike")
        rows += validate_shard(path, *shape, vocab_size)
        progress.update()
    write_json(output, schema(rows, columns(*shape)))
    say(f"{rows} records in {len(shards)} shards are sound")
