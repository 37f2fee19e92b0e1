"""What a caller of the API can get wrong, or the service fail at."""

from __future__ import annotations

from nevus.api import Problem
from nevus.errors import NevusError


class ClientError(NevusError, RuntimeError):
    """The service refused a request, or can't be reached.

    Attributes:
        status: of HTTP; None where no answer came.
        problem: the document that the service sent; None where it sent none.
        retry_after: seconds after which to try again; None where it names none.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        problem: Problem | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.problem, self.retry_after = status, problem, retry_after


class UnreachableError(ClientError, ConnectionError):
    """No answer came: the service isn't there, or took too long."""
