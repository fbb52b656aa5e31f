"""Stage `task_data`: a task's records -> TFRecord, schema.json, labels.json, statistics.json (squad: no labels.json, but
schema_train.json and schema_eval.json)."""

from dump2bert.digest import load
from dump2bert.tasks import kind_of


def run(*, task, kind, train, dev, vocab_file, output_dir, do_lower_case, max_seq_length, fields,
        doc_stride, max_query_length):
    """Writes {train,dev}.tfrecord and the JSON files to output_dir, statistics.json last. fields: of the records of a data
    set of one's own, or None. doc_stride, max_query_length: of squad."""
    kind = kind_of(task, kind)
    own = {"doc_stride": doc_stride, "max_query_length": max_query_length} if kind == "squad" else {}
    load(f"tasks.{kind}.task_data").make_task_data(
        task, {"train": train, "dev": dev}, vocab_file, output_dir, do_lower_case, max_seq_length,
        **own, **{"fields": fields} if fields else {})
