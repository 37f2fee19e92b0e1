"""Predictions: every answer, appended once and read back ever after."""

from nevus.store.predictions.append import append_predictions, append_shadows, remember_bundle
from nevus.store.predictions.filters import FilterError, PredictionFilter
from nevus.store.predictions.listing import PredictionPage, iterate_predictions, list_predictions
from nevus.store.predictions.read import UnknownPredictionError, find_prediction, first_served, served_manifest
from nevus.store.predictions.stored import StoredPrediction

__all__ = [
    "FilterError",
    "PredictionFilter",
    "PredictionPage",
    "StoredPrediction",
    "UnknownPredictionError",
    "append_predictions",
    "append_shadows",
    "find_prediction",
    "first_served",
    "iterate_predictions",
    "list_predictions",
    "remember_bundle",
    "served_manifest",
]
