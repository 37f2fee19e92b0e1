"""The images that a command line names: files as they are, folders searched."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nevus.errors import InputError

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".avif", ".jp2", ".ppm", ".pgm", ".mpo")
)


def find_images(paths: Iterable[str | Path]) -> list[Path]:
    """Files as named, whatever their suffix; of folders all files beneath that are called like images, sorted.

    A file that doesn't exist is kept: it is reported in its place among the others.

    Raises:
        InputError: a folder holds no image.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and _visible(p, path))
        if not inside:
            raise InputError(f"the folder {path} holds no image ({', '.join(sorted(SUFFIXES))}).")
        found += inside
    return found


def _visible(path: Path, folder: Path) -> bool:
    return path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
