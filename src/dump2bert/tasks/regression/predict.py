"""Prediction of scores: the checkpoint says that they are scores."""

from dump2bert.tasks.classification.predict import predict

__all__ = ["predict"]
