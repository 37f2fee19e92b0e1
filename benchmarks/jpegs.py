"""The pictures that are sent, decoded and judged when the service is measured."""

from __future__ import annotations

from pathlib import Path

MOST = 64


def read_jpegs(folder: Path, *, at_least: int = 1) -> list[bytes]:
    """The first JPEGs in and below a folder, as their files are; ends the program where there are too few."""
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))[:MOST]
    if len(files) < at_least:
        raise SystemExit(f"{folder} has {len(files)} JPEGs; it takes {at_least} or more.")
    return [file.read_bytes() for file in files]
