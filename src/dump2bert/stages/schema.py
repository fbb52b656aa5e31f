"""Stage `schema`: every record of every shard is checked, and whether the data are worth training on; then schema.json
tells MindSpore what the shards hold."""

from pathlib import Path

from dump2bert.errors import BadInput
from dump2bert.files import read_json, write_json
from dump2bert.progress import Progress, say


def run(*, data_dir, vocab_file, output, min_sentences_per_document, min_documents, max_unknown_rate, max_nsp_majority,
        max_mask_factor, max_padding_rate, accept_equal_shards):
    """data_dir: folder of the shards, with statistics.json where our own stage has made them."""
    from dump2bert.pretraining.examples import columns, schema
    from dump2bert.pretraining.gates import Gates, check_data, check_shards
    from dump2bert.pretraining.validation import listed_shards, shape_of, validate_shard
    from dump2bert.tokenization import load_vocabulary

    vocab_size = len(load_vocabulary(vocab_file))
    shards = listed_shards(data_dir)
    check_shards(shards, accept_equal_shards)
    statistics = Path(data_dir) / "statistics.json"
    if statistics.is_file():
        check_data(statistics, read_json(statistics), Gates(
            min_sentences_per_document, min_documents, max_unknown_rate, max_nsp_majority, max_mask_factor,
            max_padding_rate))
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
