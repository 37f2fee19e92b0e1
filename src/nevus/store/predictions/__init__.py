"""Predictions: every answer, appended once and read back ever after."""

from nevus.store.predictions.append import append_predictions, remember_bundle
from nevus.store.predictions.read import UnknownPredictionError, find_prediction, served_manifest
from nevus.store.predictions.stored import StoredPrediction

__all__ = [
    "StoredPrediction",
    "UnknownPredictionError",
    "append_predictions",
    "find_prediction",
    "remember_bundle",
    "served_manifest",
]
