"""The model registry: versions of bundles, their states, and the moves between them."""

from nevus.store.registry.consistency import unexplained_states
from nevus.store.registry.references import UnknownVersionError
from nevus.store.registry.registry import ApprovalError, Registry
from nevus.store.registry.states import TRANSITIONS, Move, State, TransitionError
from nevus.store.registry.version import (
    Approval,
    Change,
    ModelVersion,
    NewVersion,
    Registered,
    RegistrationError,
)

__all__ = [
    "TRANSITIONS",
    "Approval",
    "ApprovalError",
    "Change",
    "ModelVersion",
    "Move",
    "NewVersion",
    "Registered",
    "RegistrationError",
    "Registry",
    "State",
    "TransitionError",
    "UnknownVersionError",
    "unexplained_states",
]
