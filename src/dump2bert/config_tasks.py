"""What a task's files hold, as the configuration says it."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from dump2bert.errors import BadInput
from dump2bert.option_types import Fields, Section
from dump2bert.tasks.datasets import dataset_of, kind_of


def words(values):
    """Labels as people mean them. YAML reads yes, no, true and false as booleans."""
    if isinstance(values, list) and any(isinstance(value, bool) for value in values):
        raise ValueError(f"{values} holds a boolean: put quotes around the words yes, no, true, false, on, off")
    if isinstance(values, list) and any("," in str(value) for value in values):
        raise ValueError(f"{values} holds a label with a comma: leave `labels` out, so that they are found")
    return values


class DataForm(Section):
    """What a task's files hold, where it is not what its name says. docs/tasks.md lists what is known by name."""

    spec: str | None = None
    """The known data set whose form the files have; null: the one of the task's name, if there is one."""
    format: Literal["json", "tsv", "csv", "conll", "toutiao"] | None = None
    """json (lines, or one list), tsv, csv, conll (a token and its label a line), toutiao (TNEWS 1.0's first form); null:
    as the files' names end."""
    fields: Fields = None
    """Of a data set of one's own: which fields of its records are text, text_pair, label and id: keys (a.b for a key
    inside), names of a header, or numbers of columns from 0 (-1: the last); of several the texts are joined."""
    labels: Annotated[list[str | int], BeforeValidator(words), Field(min_length=1)] | None = None
    """The labels in the order of their ids (NER: the entity types); null: those known, else those of the training data."""


def know_data_sets(tasks):
    """Give each task ({name: config.Task}) the kind and the assessment method that it does not give itself. ValueError where
    it does not fit what is known of its data set."""
    for name, task in tasks.items():
        try:
            task.kind = kind_of(name, task.kind, task.spec, task.fields)
            dataset = dataset_of(name, task.kind, task.spec, task.format, task.fields, task.labels)
        except BadInput as error:
            raise ValueError(f"tasks.{name}: {error}") from error
        if task.kind == "squad" and (task.fields or task.format or task.labels):
            raise ValueError(f"tasks.{name} is of the kind squad, whose records are in SQuAD's form: leave fields, format and "
                             "labels out")
        if task.kind != "ner" and True in task.use_crf:
            raise ValueError(f"tasks.{name}.use_crf is for the kind ner, and this is {task.kind}")
        if task.kind == "classification":
            task.assessment_method = task.assessment_method or dataset.assessment_method
        elif task.assessment_method:
            raise ValueError(f"tasks.{name}.assessment_method is for the kind classification, and this is {task.kind}")
