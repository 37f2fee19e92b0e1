"""Drawing a cohort into a folder: images and their table; what is there already is not drawn again."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import polars as pl

from nevus.data.parallel import usable_cpus, windowed_map
from nevus.data.synthetic.cohort import draw_cohort
from nevus.data.synthetic.painting import Sitter, encode, paint
from nevus.data.synthetic.settings import SyntheticSettings
from nevus.errors import InputError, StorageFullError
from nevus.settings import fingerprint

STYLE = 5
"""Raised with every change of the drawing, so that a folder never mixes two."""
TABLE = "metadata.csv"
IMAGES = "images"
_STATE = "synthetic.json"

Progress = Callable[[int, int], None]
"""Told the number of images done and of all images."""


class SyntheticError(InputError):
    """The folder can't take this cohort."""


def synthetic_fingerprint(settings: SyntheticSettings) -> str:
    """SHA-256 (hex) over all that decides the pictures."""
    return fingerprint({"style": STYLE, "settings": settings.model_dump(mode="json")})


def generate(settings: SyntheticSettings, folder: Path, progress: Progress | None = None) -> pl.DataFrame:
    """Draw a cohort: `folder/images/ID.jpg` and, last, `folder/metadata.csv`.

    A run that was stopped is continued by calling again; images that are there are kept.

    Returns:
        One row an image: `image_id, patient_id, lesion_id, diagnosis, confirmed_by, age, sex, site, skin_type, source,
        file`, the last relative to the folder.

    Raises:
        SyntheticError: the folder holds a cohort of other settings, or something else.
        StorageFullError: no room; the images drawn so far stay and the next call continues.
    """
    cohort = draw_cohort(settings)
    table = cohort.drop("tone", "clarity", "look").with_columns(pl.format(IMAGES + "/{}.jpg", "image_id").alias("file"))
    try:
        _claim(settings, folder)
        missing = _missing(cohort, folder)
        done = cohort.height - sum(len(sitter.image_ids) for sitter in missing)
        for drawn in windowed_map(lambda sitter: _draw(sitter, settings, folder), missing, workers=usable_cpus()):
            done += drawn
            if progress:
                progress(done, cohort.height)
        partial = folder / (TABLE + ".partial")
        table.write_csv(partial)
        partial.replace(folder / TABLE)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StorageFullError(
                f"no room is left for {folder}; the images drawn so far are whole. Free some space and repeat the "
                "command: it continues."
            ) from error
        raise
    return table


def _claim(settings: SyntheticSettings, folder: Path) -> None:
    """Mark the folder as that of this cohort, or refuse one that is another's."""
    state = folder / _STATE
    wanted = {"style": STYLE, "fingerprint": synthetic_fingerprint(settings), **settings.model_dump(mode="json")}
    if state.exists():
        found = json.loads(state.read_text())
        if found.get("fingerprint") == wanted["fingerprint"]:
            return
        changed = [key for key in wanted if key != "fingerprint" and found.get(key) != wanted[key]]
        named = "; ".join(f"{key} was {found.get(key)}, now {wanted[key]}" for key in changed)
        raise SyntheticError(
            f"{folder} holds a synthetic cohort of other settings ({named}). Choose another folder, or delete this one."
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SyntheticError(f"{folder} is not an empty folder. Choose another one for the synthetic images.")
    (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    partial = state.with_name(state.name + ".partial")
    partial.write_text(json.dumps(wanted, indent=1) + "\n")
    partial.replace(state)


def _missing(cohort: pl.DataFrame, folder: Path) -> list[Sitter]:
    (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    there = {entry.name for entry in os.scandir(folder / IMAGES) if entry.name.endswith(".jpg")}
    absent = cohort.filter(~pl.format("{}.jpg", "image_id").is_in(list(there)))
    grouped = absent.group_by("lesion_id", "look", "clarity", "tone", "source", maintain_order=True)
    return [
        Sitter(lesion, look, clarity, tone, source, tuple(images))
        for lesion, look, clarity, tone, source, images in grouped.agg("image_id").iter_rows()
    ]


def _draw(sitter: Sitter, settings: SyntheticSettings, folder: Path) -> int:
    for image_id, pixels in paint(sitter, settings):
        path = folder / IMAGES / f"{image_id}.jpg"
        partial = path.with_suffix(".partial")
        partial.write_bytes(encode(pixels, settings.quality))
        partial.replace(path)
    return len(sitter.image_ids)
