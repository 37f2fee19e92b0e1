"""Why a dataset could not be brought."""

from __future__ import annotations

from nevus.errors import InputError, NevusError


class UnknownDatasetError(InputError, KeyError):
    """There is no plan for a dataset of that name."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would print the quoted representation


class OfflineError(NevusError, ConnectionError):
    """The dataset's host can't be reached; the message says what to get by hand, and where to put it."""


class CredentialsError(InputError):
    """The host wants an account's token, and there is none."""


class FetchError(NevusError):
    """The download didn't end whole; what has come stays, and the same command continues."""
