import errno

import pytest

from nevus.errors import InputError, NevusError, StorageFullError
from nevus.pipeline import disk
from nevus.pipeline.disk import full_disk_stops


def chained(cause):
    error = RuntimeError("writing failed")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "f"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        chained(OSError(errno.ENOSPC, "")),
        RuntimeError("ComputeError: No space left on device (os error 28)"),
        ValueError("(sqlite3.OperationalError) database or disk is full"),
        chained(chained(OSError(errno.ENOSPC, ""))),
        NevusError("No space left on device"),
    ],
)
def test_a_full_disk_is_recognised_under_any_name(tmp_path, error):
    with pytest.raises(StorageFullError, match="during training") as caught, full_disk_stops(tmp_path, "training"):
        raise error
    assert "repeat the command" in str(caught.value)
    assert caught.value.exit_code == 1
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "denied"), ValueError("x"), InputError("y"), KeyError(28)])
def test_other_errors_pass_as_they_are(tmp_path, error):
    with pytest.raises(type(error)) as caught, full_disk_stops(tmp_path, "training"):
        raise error
    assert caught.value is error


def test_where_nothing_is_left_a_failed_write_is_put_down_to_the_disk_but_a_users_mistake_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "NOTHING_LEFT", 1 << 62)
    with pytest.raises(StorageFullError), full_disk_stops(tmp_path, "training"):
        raise RuntimeError("file write failed")
    with pytest.raises(InputError, match="no such class"), full_disk_stops(tmp_path, "training"):
        raise InputError("no such class")


def test_an_interrupt_passes(tmp_path):
    with pytest.raises(KeyboardInterrupt), full_disk_stops(tmp_path, "training"):
        raise KeyboardInterrupt
