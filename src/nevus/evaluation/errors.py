"""What can be wrong with what is to be evaluated."""

from __future__ import annotations

from nevus.errors import NevusError


class EvaluationError(NevusError, ValueError):
    """Predictions can't be evaluated as they are: shapes, ids or labels that don't belong together."""
