"""Finetuning of a regression, which --assessment_method spearman_correlation asks for."""

from dump2bert.tasks.classification.finetune import finetune

__all__ = ["finetune"]
