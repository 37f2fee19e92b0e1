"""Rollout: how requests are shared between a model's champion and its challenger, and what else is loaded."""

from nevus.store.rollout.further import FurtherVersionError, further_versions, keep_loaded, let_go, require_approved
from nevus.store.rollout.rollout import Rollout, RolloutError, get_rollout, put_rollout

__all__ = [
    "FurtherVersionError",
    "Rollout",
    "RolloutError",
    "further_versions",
    "get_rollout",
    "keep_loaded",
    "let_go",
    "put_rollout",
    "require_approved",
]
