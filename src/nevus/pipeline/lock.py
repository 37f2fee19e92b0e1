"""One writer an output folder: a lock that the operating system releases when its process ends, however it ends."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from nevus.errors import InputError
from nevus.pipeline.masking import command_line
from nevus.settings import Section

FILE: Final = ".nevus.lock"
UNSUPPORTED = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL})


class FolderLockedError(InputError):
    """Another run is writing to the output folder."""


class Holder(Section):
    """Who writes to a folder, as its lock file says."""

    pid: int
    host: str
    since: datetime
    command: str = ""


_held_here: dict[Path, Holder] = {}
"""The OS locks out other processes only; this, the other threads of this one. A second descriptor on the same file must
not even be opened here: closing it would give up the first one's lock."""
_guard = threading.Lock()


@contextmanager
def folder_lock(output: Path, notice: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Be the only writer to an output folder (made if need be) while inside.

    POSIX record locks (`lockf`), or `msvcrt` on Windows: both end with their process, a SIGKILL included, and neither
    is inherited by child processes, so that a data loader's orphan doesn't keep a dead run's lock. Where the file
    system knows no locks, the note in the file decides: a process of this host that is gone holds nothing.

    Args:
        output: the folder.
        notice: hears that a dead run's lock was taken over.

    Raises:
        FolderLockedError: a live process holds it; the message names it and since when.
    """
    output.mkdir(parents=True, exist_ok=True)
    path = output.resolve() / FILE
    own = Holder(pid=os.getpid(), host=_host(), since=datetime.now(UTC), command=command_line())
    with _guard:
        if path in _held_here:
            raise FolderLockedError(_refusal(output, _held_here[path]))
        _held_here[path] = own
    try:
        with _locked_file(path, output, own, notice):
            yield
    finally:
        with _guard:
            del _held_here[path]


@contextmanager
def _locked_file(path: Path, output: Path, own: Holder, notice: Callable[[str], None]) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        free = _lock(descriptor)
        holder = _read(descriptor)
        if free is False or (free is None and holder is not None and _may_live(holder)):
            raise FolderLockedError(_refusal(output, holder))
        if holder is not None:
            notice(f"took over {output} from process {holder.pid}, which ended in the middle ({_when(holder)})")
        # On a full disk the note may fail; the lock stands without it, where there are locks.
        with contextlib.suppress(OSError) if free else contextlib.nullcontext():
            _write(descriptor, own)
        try:
            yield
        finally:
            # Emptied, not deleted: deleting would let a third process lock a new file while a second waits on this one.
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool | None:
    """Whether the lock is now ours; None where the file system has no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # far behind the note, which others must be able to read
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in UNSUPPORTED:
            return None
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return False
        raise
    return True


def _may_live(holder: Holder) -> bool:
    """Whether a holder may still be running; of another host one can't tell, so it may."""
    if holder.host != _host() or sys.platform == "win32":
        return True
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read(descriptor: int) -> Holder | None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    text = os.read(descriptor, 1 << 16).strip()
    try:
        return Holder.model_validate(json.loads(text)) if text else None
    except ValueError:
        return None


def _write(descriptor: int, holder: Holder) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, holder.model_dump_json().encode())


def _refusal(output: Path, holder: Holder | None) -> str:
    who = f"process {holder.pid} on {holder.host}, {_when(holder)}" if holder else "another process"
    return f"{output} is being written to by {who}. Wait until it ends or stop it, or use another folder with --out."


def _when(holder: Holder) -> str:
    command = f", {holder.command}" if holder.command else ""
    return f"since {holder.since:%Y-%m-%d %H:%M:%S} UTC{command}"


def _host() -> str:
    return socket.gethostname()
