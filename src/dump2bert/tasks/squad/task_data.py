"""Task data: questions -> TFRecord, the schemas that MindSpore reads it with, statistics."""

from collections import Counter
from pathlib import Path

from dump2bert.errors import BadInput
from dump2bert.files import sha256_of, write_json
from dump2bert.progress import say
from dump2bert.tasks.batches import some_of
from dump2bert.tasks.squad.alignment import align, tokenize
from dump2bert.tasks.squad.records import Asked, read_questions
from dump2bert.tasks.squad.tfrecords import schema, write_rows
from dump2bert.tasks.squad.windows import make_windows
from dump2bert.tokenization import Tokenizer, load_vocabulary

PROBLEMS_SAID = 5


def make_task_data(task, files, vocab_file, output_dir, do_lower_case, max_seq_length, doc_stride, max_query_length,
                   train_records=None):
    """files: {"train": path, "dev": path} -> {split}.tfrecord, schema_train.json, schema_eval.json and statistics.json in
    output_dir. Only training questions whose answer is in the paragraph have rows; of dev all have. train_records: how many
    of the training questions to take, None: all."""
    output_dir = Path(output_dir)
    asked = {split: read_questions(path) for split, path in files.items()}
    asked["train"] = some_questions(asked["train"], train_records)
    tokenizer = Tokenizer(load_vocabulary(vocab_file), do_lower_case)
    statistics = {"task": task, "kind": "squad", "max_seq_length": max_seq_length, "doc_stride": doc_stride,
                  "max_query_length": max_query_length, "do_lower_case": do_lower_case,
                  "vocabulary_sha256": sha256_of(vocab_file), "splits": {}}
    made = {}    # both before either is written
    for split, path in files.items():
        training = split == "train"
        paragraphs = tokenize(asked[split].contexts, tokenizer)
        spans, problems = align(asked[split], paragraphs)
        if training and not any(spans):
            raise BadInput(f"{path} has {len(spans)} questions, and the answer of none is in its context: there is nothing "
                           "to learn")
        windowed = make_windows(asked[split], paragraphs, tokenizer, max_seq_length, doc_stride, max_query_length,
                                spans if training else None)
        made[split] = windowed.rows
        statistics["splits"][split] = describe(asked[split], paragraphs, windowed, spans, problems, path)
        warn(split, path, asked[split], problems, statistics["splits"][split])
    for split, rows in made.items():
        training = split == "train"
        write_rows(output_dir / f"{split}.tfrecord", rows, training)
        write_json(output_dir / f"schema_{'train' if training else 'eval'}.json",
                   schema(len(rows.input_ids), max_seq_length, training))
    shortest = max_seq_length - max_query_length - 3
    if doc_stride >= shortest:
        say(f"doc_stride {doc_stride} leaves long contexts of long questions cut into rows that do not overlap: an answer "
            "across a cut is in none of them; "
            + (f"less than {shortest} makes them overlap" if shortest > 1 else "lower max_query_length, too"))
    statistics["contexts_in_both_splits"] = len(set(asked["train"].contexts) & set(asked["dev"].contexts))
    write_json(output_dir / "statistics.json", statistics)


def some_questions(asked, count):
    """The Asked of `count` of the questions (see batches.some_of) and the paragraphs that these are about."""
    questions = some_of(asked.questions, count)
    if len(questions) == len(asked.questions):
        return asked
    numbers = {old: new for new, old in enumerate(sorted({question.context for question in questions}))}
    return Asked([asked.contexts[number] for number in numbers],
                 [question._replace(context=numbers[question.context]) for question in questions])


def describe(asked, paragraphs, windowed, spans, problems, path):
    """The statistics of one split; `not_fitting` names each answer that is not as it should be."""
    tokens = [len(paragraph.ids) for paragraph in paragraphs]
    rows = Counter(windowed.rows.question_numbers.tolist())
    return {
        "records": len(asked.questions), "rows": len(windowed.rows.input_ids), "sha256": sha256_of(path),
        "contexts": len(asked.contexts), "empty_contexts": tokens.count(0), "tokens": sum(tokens), "longest": max(tokens),
        "answers": sum(len(question.answers) for question in asked.questions),
        "unknown_tokens": windowed.unknown, "questions_cut": windowed.cut,
        "questions_in_several_rows": sum(count > 1 for count in rows.values()),
        "questions_left_out": sum(span is None for span in spans),
        "not_fitting_reasons": dict(Counter(problem.reason for problem in problems)),
        "not_fitting": [{"question": asked.questions[problem.question].id,
                         "answer": asked.questions[problem.question].answers[problem.answer][0],
                         "answer_start": asked.questions[problem.question].answers[problem.answer][1],
                         "reason": problem.reason, "used": problem.kept} for problem in problems],
    }


def warn(split, path, asked, problems, statistics):
    left_out = statistics["questions_left_out"]
    consequence = f", {left_out} questions have no answer in their context" + \
        (" and are left out" if split == "train" else "") if left_out else ""
    say(f"{split}: {statistics['records']} questions in {statistics['rows']} rows, {len(problems)} of "
        f"{statistics['answers']} answers do not fit exactly{consequence}")
    for problem in problems[:PROBLEMS_SAID]:
        question = asked.questions[problem.question]
        text, start = question.answers[problem.answer]
        say(f"{path} {question.where}: answer {text!r} at {start}: {problem.reason}")
    if len(problems) > PROBLEMS_SAID:
        say(f"... and {len(problems) - PROBLEMS_SAID} more, all in statistics.json")
