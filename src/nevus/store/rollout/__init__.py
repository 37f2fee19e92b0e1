"""Rollout: how requests are shared between a model's champion and its challenger."""

from nevus.store.rollout.rollout import Rollout, RolloutError, get_rollout, put_rollout

__all__ = ["Rollout", "RolloutError", "get_rollout", "put_rollout"]
