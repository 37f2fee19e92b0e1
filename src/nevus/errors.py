"""The root of nevus' errors. Each capability declares its own subclass beside the code that raises it."""

from __future__ import annotations

import errno
import importlib
from pathlib import Path
from types import ModuleType

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2


class NevusError(Exception):
    """Root of every error that nevus raises on purpose.

    The message says what was wrong, where (file, row, key) and what to do about it. `exit_code` is what the
    command line returns: 1 when the work failed, 2 when the usage, the settings or the input were at fault.
    """

    exit_code: int = EXIT_FAILED


class InputError(NevusError, ValueError):
    """What the user gave (usage, settings, files) can't be used as it is."""

    exit_code = EXIT_BAD_INPUT


class StorageFullError(NevusError, OSError):
    """The disk filled up while writing; what was finished before stays usable."""


_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def storage_full(error: BaseException, where: str | Path) -> StorageFullError | None:
    """What to raise instead of `error` if it says that there is no room left to write `where`; None for any other."""
    if not isinstance(error, OSError) or error.errno not in _NO_ROOM:
        return None
    return StorageFullError(
        f"there is no room left to write {where}. What was finished before stays usable: make room and run the same "
        "command again."
    )


_FULL = {errno.ENOSPC, errno.EDQUOT}
_FULL_PHRASES = ("no space left on device", "disk quota exceeded", "database or disk is full", "os error 28")


def means_full(error: BaseException) -> bool:
    """Whether an error, or one that it came from, says that the disk is full: libraries in Rust and C give no errno."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        if isinstance(current, OSError) and current.errno in _FULL:
            return True
        if any(phrase in str(current).lower() for phrase in _FULL_PHRASES):
            return True
        current = current.__cause__ or current.__context__
    return False


class MissingExtraError(NevusError, ImportError):
    """An optional dependency is absent; the message is the exact command that brings it."""

    exit_code = EXIT_BAD_INPUT


def require(module: str, extra: str) -> ModuleType:
    """Import `module`, or say which extra of nevus brings it.

    Raises:
        MissingExtraError: `module` isn't installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{module} is not installed, and this needs it. Install it with: pip install 'nevus[{extra}]'"
        ) from error
