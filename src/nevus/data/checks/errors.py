"""When a dataset as a whole isn't fit to go on with."""

from __future__ import annotations

from nevus.errors import InputError, NevusError


class CheckError(NevusError):
    """Too many rows were rejected: something is wrong with the dataset itself."""


class ClassError(InputError):
    """A class has too few lesions to be learned and tested."""
