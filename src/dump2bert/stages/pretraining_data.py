"""Stage `pretraining_data`: sentences -> TFRecord shards of masked instances, and statistics.json beside them.

The statistics hold the data manifest: name, size and SHA-256 of each shard, by which later stages know the data.
"""

import gc
import os
from pathlib import Path

from dump2bert.errors import BadInput
from dump2bert.files import write_json
from dump2bert.progress import say


def run(*, mode, input_file, output_file, vocab_file, statistics, do_lower_case, do_whole_word_mask, max_seq_length,
        max_predictions_per_seq, random_seed, dupe_factor, masked_lm_prob, short_seq_prob, masking, word_segmenter,
        workers, jobs, job):
    """input_file: paths or glob patterns. statistics: where to write them; None: beside the first shard. output_file: of all
    jobs."""
    # Loading kernels makes many objects that stay; to look through them for garbage again and again takes a tenth of a run.
    gc.freeze()
    gc.set_threshold(100_000)
    from dump2bert.pretraining.documents import input_files
    from dump2bert.pretraining.instances import Options
    from dump2bert.pretraining.shards import make_shards

    inputs = input_files(input_file)
    if len(set(map(os.path.abspath, output_file))) < len(output_file):
        raise BadInput("output_file names the same file twice")
    if jobs > len(output_file):
        raise BadInput(f"--jobs {jobs} is above the {len(output_file)} files of --output_file: each job writes at least one")
    name = "statistics.json" if jobs == 1 else f"statistics-{job:05}-of-{jobs:05}.json"
    statistics = Path(statistics or Path(output_file[0]).parent / name)
    options = Options(max_seq_length, max_predictions_per_seq, dupe_factor, short_seq_prob, masked_lm_prob,
                      do_whole_word_mask, masking, word_segmenter, mode)
    counted, shards = make_shards(inputs, output_file, vocab_file, do_lower_case, options, random_seed, workers,
                                  statistics, range(job, len(output_file), jobs))
    summary = counted.summary(max_seq_length)
    if masking == "dynamic":
        del summary["mask_rate"], summary["predictions_per_instance"]    # known only when they are read
    write_json(statistics, {
        "random_seed": random_seed, "do_lower_case": do_lower_case, **options._asdict(), **summary,
        "shards": {os.path.relpath(shard.pop("path"), statistics.parent): shard for shard in shards},
    })
    masked = f"masked {summary['mask_rate']:.1%}" if masking == "static" else "masked when they are read"
    where = f"{len(shards)} shards" if jobs == 1 else f"{len(output_file)} shards, {len(shards)} of them written by this job"
    say(f"{summary['instances']} instances of {summary['documents']} documents in {where}; "
        f"unknown {summary['unknown_rate']:.2%}, random next {summary['random_next_rate']:.1%}, "
        f"{masked}, padding {summary['padding_rate']:.1%}")
