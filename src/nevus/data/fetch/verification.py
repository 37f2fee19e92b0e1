"""Knowing that files are whole: each image's checksum is written down when it has come, and compared ever after."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

SUMS = "SHA256SUMS"
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"


def read_sums(folder: Path) -> dict[str, str]:
    """Name -> SHA-256 (hex) of the files that had come whole."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.split("  ", 1) for line in lines if "  " in line)
    return {name: digest for digest, name in pairs}


def write_sums(folder: Path, sums: Mapping[str, str]) -> None:
    """Write `SHA256SUMS`, in the form that `sha256sum -c` reads."""
    partial = folder / (SUMS + ".partial")
    partial.write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)), encoding="utf-8")
    partial.replace(folder / SUMS)


def check_files(
    folder: Path, names: Iterable[str], known: Mapping[str, str], progress: Callable[[int], None] | None = None
) -> tuple[dict[str, str], list[str]]:
    """Hash the files and compare them with what is known.

    Returns:
        The checksums of those that are whole, and the names of those that aren't: absent, cut off, or not what they
        were when they came.
    """
    whole: dict[str, str] = {}
    broken: list[str] = []
    for done, name in enumerate(names, start=1):
        digest = _whole(folder / name)
        if digest is None or known.get(name, digest) != digest:
            broken.append(name)
        else:
            whole[name] = digest
        if progress:
            progress(done)
    return whole, broken


def _whole(path: Path) -> str | None:
    """The checksum of a file that isn't cut off; None where it is, or isn't there."""
    digest = hashlib.sha256()
    head = tail = b""
    try:
        with path.open("rb") as file:
            head = file.read(2)
            file.seek(max(0, os.fstat(file.fileno()).st_size - 64))
            tail = file.read()
            file.seek(0)
            while block := file.read(1 << 20):
                digest.update(block)
    except FileNotFoundError:
        return None
    if path.suffix.lower() in (".jpg", ".jpeg") and (head != _JPEG_START or _JPEG_END not in tail):
        return None
    return digest.hexdigest() if tail else None
