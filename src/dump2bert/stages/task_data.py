"""Stage `task_data`: a task's records -> TFRecord, schema.json, labels.json, statistics.json."""

from dump2bert.digest import load


def run(*, task, kind, train, dev, vocab_file, output_dir, do_lower_case, max_seq_length, fields):
    """Writes {train,dev}.tfrecord and the JSON files to output_dir, statistics.json last. fields: of the records of a data
    set of one's own, or None."""
    load(f"tasks.{kind}.task_data").make_task_data(
        task, {"train": train, "dev": dev}, vocab_file, output_dir, do_lower_case, max_seq_length,
        **{"fields": fields} if fields else {})
