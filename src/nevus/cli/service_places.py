"""Where the service keeps pictures and the secret of the pseudonyms: its other commands must look there too."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nevus.serving import ServingSettings

Blobs = Annotated[
    str | None,
    typer.Option(
        "--blobs",
        help="Where the pictures lie [default: $NEVUS_SERVING__BLOBS, else blobs in home].",
        metavar="DIR|URL",
    ),
]
SecretFile = Annotated[
    Path | None,
    typer.Option(
        "--pseudonym-file",
        help="The secret of the pseudonyms [default: $NEVUS_SERVING__PSEUDONYM_FILE, else secrets/ in home].",
        metavar="FILE",
    ),
]


def service_places(blobs: str | None, pseudonym_file: Path | None = None) -> ServingSettings:
    """The settings `blobs` and `pseudonym_file` as `nevus serve` would have them here, but for what options name.

    Raises:
        InputError: a variable NEVUS_SERVING__… that the service wouldn't take either.
    """
    from nevus.cli.serve import serving_settings

    return serving_settings([], {"blobs": blobs, "pseudonym_file": pseudonym_file})
