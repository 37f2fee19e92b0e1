"""An image's bytes, wherever its `uri` says they are: a local file, an object in a bucket, a key in an HDF5 file."""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from nevus.errors import InputError, require

_HDF5_ENDINGS = (".hdf5", ".h5")
_OPEN_FILES = 8
_CREDENTIALS = re.compile(
    # before the host's @ (a secret may hold a slash, so a colon that begins no port opens one), or signed in the query
    r"://(?:[^/@]*@|[^/@]*:(?!\d+(?:/|$))[^@]*@)"
    r"|[?&](?:[^=&#]*(?:signature|token|password|secret|credential)|sig|(?:api[-_]?)?key)=",
    re.IGNORECASE,
)
WITHOUT_CREDENTIALS = (
    "it would stand in the manifest, in reports and in MLflow. Take it out, and give it by the environment (for s3: "
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE)"
)
"""Why such an address is refused, and what to do."""


class MissingImageError(InputError, FileNotFoundError):
    """There is nothing at the address."""


class UnreachableImageError(InputError, OSError):
    """Something is at the address, but its bytes can't be read."""


def read_bytes(uri: str) -> bytes:
    """The bytes at `uri`: a local path, `s3://bucket/key` (or another scheme of fsspec), or `FILE.hdf5#KEY`.

    Raises:
        MissingImageError: no such file, object or key.
        UnreachableImageError: it is there but can't be read.
        MissingExtraError: the address needs an optional dependency that isn't installed.
    """
    container, key = split_container(uri)
    try:
        if key is not None:
            return _read_hdf5(container, key)
        if is_remote(uri):
            return bytes(remote_path(uri).read_bytes())
        return Path(uri).read_bytes()
    except FileNotFoundError:
        raise MissingImageError(f"{uri}: there is no such file.") from None
    except KeyError:
        raise MissingImageError(f"{container} has no image {key}.") from None
    except OSError as error:
        raise UnreachableImageError(f"{uri}: can't be read ({error.strerror or error}).") from error


def is_remote(uri: str) -> bool:
    """Whether `uri` names something outside the local file system."""
    return "://" in uri


def holds_credentials(uri: str) -> bool:
    """Whether a remote address tells a user name, a password or a token, which every manifest would then hold."""
    return is_remote(uri) and _CREDENTIALS.search(uri) is not None


def remote_path(uri: str) -> Any:
    """The `UPath` of a remote address.

    Raises:
        MissingExtraError: the scheme needs a library that isn't installed.
    """
    if uri.startswith("s3://"):
        require("s3fs", "s3")
    upath = require("upath", "data")
    return upath.UPath(uri)


def split_container(uri: str) -> tuple[str, str | None]:
    """`FILE.hdf5#KEY` -> (FILE.hdf5, KEY); anything else -> (uri, None), also a path with a `#` in its name."""
    container, mark, key = uri.rpartition("#")
    if mark and container.lower().endswith(_HDF5_ENDINGS):
        return container, key
    return uri, None


class _OpenFiles(threading.local):
    """The HDF5 files that a thread holds open: opening one costs far more than reading an image."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.files: OrderedDict[str, Any] = OrderedDict()

    def get(self, path: str) -> Any:
        if self.process != os.getpid():  # a forked child must not touch its parent's handles
            self.process, self.files = os.getpid(), OrderedDict()
        if path not in self.files:
            self.files[path] = self._open(path)
        self.files.move_to_end(path)
        while len(self.files) > _OPEN_FILES:
            self.files.popitem(last=False)[1].close()
        return self.files[path]

    @staticmethod
    def _open(path: str) -> Any:
        h5py = require("h5py", "data")
        return h5py.File(remote_path(path).open("rb") if is_remote(path) else path, "r")


_open_files = _OpenFiles()


def _read_hdf5(path: str, key: str) -> bytes:
    if not is_remote(path) and not Path(path).is_file():
        raise FileNotFoundError(path)
    value = _open_files.get(path)[key][()]
    return bytes(value) if isinstance(value, bytes) else bytes(value.tobytes())
