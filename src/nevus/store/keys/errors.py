"""What can be wrong with a key. No message ever repeats a key."""

from __future__ import annotations

from nevus.errors import InputError


class KeyRefusedError(InputError):
    """This key opens nothing."""


class UnknownKeyError(KeyRefusedError, LookupError):
    """No such key was ever made here."""


class ExpiredKeyError(KeyRefusedError):
    """The key's time is over."""


class RevokedKeyError(KeyRefusedError):
    """Somebody took the key back."""


class NewKeyError(InputError):
    """A key can't be made like this."""
