"""Tasks: a package for each kind of task, with a module for each stage of it (task_data, finetune, predict,
evaluate)."""

KIND_OF = {"cluener": "ner", "tnews": "classification", "cola": "classification", "stsb": "regression", "squad": "squad"}
"""The kinds of the data sets that are known by name."""


def kind_of(task, kind):
    """The kind that was given for a task, or else the one that its name says; ner for what is not known."""
    return kind or KIND_OF.get(task, "ner")
