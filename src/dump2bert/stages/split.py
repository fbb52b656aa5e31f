"""Sentences of all parts -> training and held-out documents, duplicates dropped."""

from dump2bert.files import write_json


def run(*, input_file, part_statistics, train_dir, held_out_dir, statistics, held_out):
    from dump2bert.corpus.splitting import split
    write_json(statistics, split(input_file, part_statistics, train_dir, held_out_dir, held_out))
