"""Stage `task_data`: a task's records -> TFRecord, schema.json, labels.json, statistics.json (squad: no labels.json, but
schema_train.json and schema_eval.json)."""

from dump2bert.digest import load
from dump2bert.tasks.datasets import given, kind_of


def run(*, task, kind, train, dev, vocab_file, output_dir, do_lower_case, max_seq_length, spec, format, fields, labels,
        doc_stride, max_query_length, train_records):
    """Writes {train,dev}.tfrecord and the JSON files to output_dir, statistics.json last. spec, format, fields, labels: what
    the files hold, where it is not what the task's name says (tasks/datasets.py), else None. doc_stride,
    max_query_length: of squad; train_records: how many of the training records to take, None: all."""
    kind = kind_of(task, kind, spec, fields)
    own = given(kind, spec=spec, format=format, fields=fields, labels=labels)
    if kind == "squad":
        own = {"doc_stride": doc_stride, "max_query_length": max_query_length}
    load(f"tasks.{kind}.task_data").make_task_data(
        task, {"train": train, "dev": dev}, vocab_file, output_dir, do_lower_case, max_seq_length, train_records=train_records, **own)
