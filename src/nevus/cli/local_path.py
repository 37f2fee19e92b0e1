"""Paths of the command line that must be local."""

from __future__ import annotations

from pathlib import Path

import typer


def local_path(text: str | Path) -> Path:
    """The path, or a refusal of an address: as a path, `s3://bucket` would become a folder called `s3:`.

    Raises:
        BadParameter: it is an address.
    """
    if "://" in str(text):
        raise typer.BadParameter(f"{text} is an address; name a local folder or file.")
    return Path(text)
