"""What nevus remembers: models and their states, openings of test parts, and the audit of every decision."""

from nevus.store.actor import current_actor
from nevus.store.audit import AuditEntry, AuditHead, entries
from nevus.store.audit_verification import Problem, Verification, parse_head, verify
from nevus.store.database import Store, open_store, store_address
from nevus.store.held_out import fix_test_groups, known_test_images
from nevus.store.home import make_home, resolve_home
from nevus.store.openings import Opening, count_test_openings, list_test_openings, record_test_opening
from nevus.store.registry import (
    ApprovalError,
    Change,
    ModelVersion,
    NewVersion,
    Registered,
    Registry,
    State,
    TransitionError,
    UnknownVersionError,
)
from nevus.store.settings import StoreSettings

__all__ = [
    "ApprovalError",
    "AuditEntry",
    "AuditHead",
    "Change",
    "ModelVersion",
    "NewVersion",
    "Opening",
    "Problem",
    "Registered",
    "Registry",
    "State",
    "Store",
    "StoreSettings",
    "TransitionError",
    "UnknownVersionError",
    "Verification",
    "count_test_openings",
    "current_actor",
    "entries",
    "fix_test_groups",
    "known_test_images",
    "list_test_openings",
    "make_home",
    "open_store",
    "parse_head",
    "record_test_opening",
    "resolve_home",
    "store_address",
    "verify",
]
