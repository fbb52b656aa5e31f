"""Stage `schema`: every record of every shard is checked, and whether the data are worth training on; then schema.json
tells MindSpore what the shards hold."""

from pathlib import Path

from dump2bert.errors import BadInput
from dump2bert.files import read_json, write_json
from dump2bert.progress import Progress, say


def run(*, data_dir, vocab_file, output, min_sentences_per_document, min_documents, max_unknown_rate, max_nsp_majority,
        max_mask_factor, max_padding_rate, accept_equal_shards):
    """data_dir: folder of the shards, with statistics.json where our own stage has made them; else the gates look at the
    records themselves."""
    from collections import Counter

    from dump2bert.pretraining.examples import masking_of, schema
    from dump2bert.pretraining.gates import Gates, check_data, check_shards
    from dump2bert.pretraining.validation import columns_of, listed_shards, shares_of, validate_shard
    from dump2bert.tokenization import load_vocabulary

    vocabulary = load_vocabulary(vocab_file)
    shards = listed_shards(data_dir)
    check_shards(shards, accept_equal_shards)
    manifest = Path(data_dir) / "statistics.json"
    statistics = read_json(manifest) if manifest.is_file() else {}
    gates = Gates(min_sentences_per_document, min_documents, max_unknown_rate, max_nsp_majority, max_mask_factor,
                  max_padding_rate)
    check_data(manifest, statistics, gates)
    columns = columns_of(shards[0])
    masked = "masked_lm_ids" in columns
    if not masked and statistics.get("masking") != "dynamic":
        raise BadInput(f"{data_dir} has unmasked instances, but no statistics.json that says how they are to be masked: "
                       "make the pretraining data again")
    counted, progress = Counter(), Progress(len(shards), "shard", "validated")
    for path in shards:
        if columns_of(path) != columns:
            raise BadInput(f"{path} has {described(columns_of(path))}, {shards[0]} has {described(columns)}: "
                           "the shards of a folder must be alike")
        counted += validate_shard(path, columns, vocabulary)
        progress.update()
    if not statistics:
        say(f"{data_dir} has no statistics.json: its documents cannot be looked at, only its instances")
        check_data(data_dir, shares_of(counted, columns), gates)
    write_json(output, schema(counted["instances"], columns, None if masked else masking_of(statistics, vocabulary)))
    say(f"{counted['instances']} records in {len(shards)} shards are sound")


def described(columns):
    return ", ".join(f"{name} of {length}" for name, (_, length) in columns.items())
