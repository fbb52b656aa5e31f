"""Task data of a regression."""

from functools import partial

from dump2bert.tasks.classification import task_data

make_task_data = partial(task_data.make_task_data, kind="regression")
