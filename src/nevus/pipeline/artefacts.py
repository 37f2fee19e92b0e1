"""What a step leaves behind: files and folders, and how one tells that they are still the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from nevus.settings import Section

BLOCK = 1 << 20


class Artefact(Section):
    """A file or folder as it was when its step ended. `path` is relative to the output folder.

    `sha256` of a folder is that over the relative paths and hashes of its files. `changed_ns` is the newest time of
    change of any of its files: where it and the size still agree, the content isn't read again.
    """

    path: str
    kind: Literal["file", "folder"]
    sha256: str
    size: int
    files: int
    changed_ns: int


def describe(output: Path, path: str) -> Artefact:
    """Describe the artefact at `path` under the output folder; FileNotFoundError where there is none."""
    place = output / path
    size, files, changed = _measure(place)
    return Artefact(
        path=path,
        kind="folder" if place.is_dir() else "file",
        sha256=_hash_folder(place) if place.is_dir() else hash_file(place),
        size=size,
        files=files,
        changed_ns=changed,
    )


def problem_with(output: Path, artefact: Artefact) -> str | None:
    """Why an artefact is no longer what its step left, in words; None if it is the same."""
    place = output / artefact.path
    if not place.exists():
        return f"{artefact.path} is missing"
    if place.is_dir() != (artefact.kind == "folder"):
        return f"{artefact.path} is no longer a {artefact.kind}"
    size, files, changed = _measure(place)
    if (size, files) != (artefact.size, artefact.files):
        return f"{artefact.path} has changed"
    if changed != artefact.changed_ns and describe(output, artefact.path).sha256 != artefact.sha256:
        return f"{artefact.path} has changed"
    return None


def hash_file(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _hash_folder(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in _files(folder):
        digest.update(f"{file.relative_to(folder).as_posix()}\x1f{hash_file(file)}\x1e".encode())
    return digest.hexdigest()


def _measure(place: Path) -> tuple[int, int, int]:
    """Bytes, files, and the newest change in nanoseconds."""
    states = [file.stat() for file in (_files(place) if place.is_dir() else [place])]
    newest = max((state.st_mtime_ns for state in states), default=0)
    return sum(state.st_size for state in states), len(states), newest


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.is_file())
