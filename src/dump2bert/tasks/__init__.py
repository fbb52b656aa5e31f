"""Tasks: a package for each kind of task, with a module for each stage of it (task_data, finetune, predict,
evaluate)."""
