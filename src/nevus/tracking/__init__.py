"""Tracking: what a run tells of itself, and the mirror of the models' states, in MLflow."""

from nevus.tracking.mirror import MirrorReport, mirror_models
from nevus.tracking.open import is_mirrored, mirror_registry, open_tracker
from nevus.tracking.settings import TrackingSettings
from nevus.tracking.tracker import NullTracker, TrackedArtefact, Tracker, TrackingError

__all__ = [
    "MirrorReport",
    "NullTracker",
    "TrackedArtefact",
    "Tracker",
    "TrackingError",
    "TrackingSettings",
    "is_mirrored",
    "mirror_models",
    "mirror_registry",
    "open_tracker",
]
