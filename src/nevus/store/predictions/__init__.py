"""Predictions: every answer, appended once and read back ever after."""

from nevus.store.predictions.stored import StoredPrediction

__all__ = ["StoredPrediction"]
