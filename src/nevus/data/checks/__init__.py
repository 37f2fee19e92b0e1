"""Checking a dataset: every row and every file, with the reason for each rejection."""

from nevus.data.checks.check import check_manifest, require_accepted, require_usable
from nevus.data.checks.errors import CheckError, ClassError
from nevus.data.checks.reasons import REASONS, TEXTS, Reason
from nevus.data.checks.result import CheckResult, CheckSummary

__all__ = [
    "REASONS",
    "TEXTS",
    "CheckError",
    "CheckResult",
    "CheckSummary",
    "ClassError",
    "Reason",
    "check_manifest",
    "require_accepted",
    "require_usable",
]
