"""A run's folder, here or in an object store: which of its files hold a patient, and how they go.

Tables lose the patient's rows. Pages, contact sheets and prepared images are deleted whole: a run makes them anew.
The tables that name the patient are rewritten last, so that a repetition after a kill still knows the images.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from upath import UPath

from nevus.errors import require

_IMAGE_COLUMNS = ("image_id", "image_a", "image_b")
_MADE_OF_IMAGES = ("prepared", "duplicates")
_BUNDLES = ("bundle", "evaluated", "draft")
_TEXTS = {".json", ".jsonl", ".csv", ".md", ".txt", ".log", ".yaml"}
_LARGEST_TEXT = 64 << 20


@dataclass(frozen=True)
class Seen:
    """What a run's folder holds of a patient."""

    folder: UPath
    images: frozenset[str]
    tables: tuple[UPath, ...]
    """In the order in which they must be rewritten."""
    pages: tuple[UPath, ...]
    """Files and folders to delete."""
    drawn: tuple[UPath, ...]
    """Image files that lie in the folder itself."""
    outside: int
    """Images of the dataset itself, which isn't nevus'."""
    parts: tuple[str, ...]
    """Parts of the split that hold the patient."""

    def mentions(self, key: str) -> list[UPath]:
        """Texts that still name the patient or an image."""
        words = [word.encode() for word in (key, *self.images) if len(word) > 2]
        return [path for path in _files(self.folder) if path.suffix in _TEXTS and _names(path, words)]


def look(folder: UPath, key: str) -> Seen | None:
    """What the folder holds of the patient with this plain key; None for nothing."""
    if not isinstance(folder, Path):
        folder.fs.invalidate_cache()  # it remembers what was there before
    tables = [path for path in _files(folder) if path.suffix == ".parquet"]
    rows = [row for path in tables for row in _rows_of(path, key)]
    images = frozenset(str(row["image_id"]) for row in rows)
    if not images:
        return None
    inside, outside = set[str](), set[str]()
    for row in rows:
        uri = str(row.get("uri") or "")
        (inside if _lies_in(folder, uri) else outside).add(uri)
    naming = {path for path in tables if "patient_id" in _columns(path)}
    held = [path for path in tables if _mask(_read(path), key, images) is not None]
    pages = [*folder.rglob("*.html"), *(folder / name for name in _MADE_OF_IMAGES)]
    return Seen(
        folder,
        images,
        tuple(sorted(held, key=lambda path: (path in naming, str(path)))),
        tuple(path for path in pages if path.exists()),
        tuple(path for path in map(UPath, sorted(inside)) if path.is_file()),
        len(outside - {""}),
        tuple(_parts(folder / "split.parquet", images)),
    )


def clear(seen: Seen, key: str) -> None:
    """Remove it all; may be repeated after a kill at any moment."""
    for path in (*seen.pages, *seen.drawn):
        _remove(path)
    for path in seen.tables:
        table = _read(path)
        gone = _mask(table, key, seen.images)
        if gone is not None:
            _rewrite(path, table.filter(_compute().invert(gone)))


def _lies_in(folder: UPath, uri: str) -> bool:
    if isinstance(folder, Path):
        return bool(uri) and Path(uri).is_relative_to(folder.absolute())
    return uri.startswith(f"{str(folder).rstrip('/')}/") and ".." not in uri


def _remove(path: UPath) -> None:
    if not path.is_dir():
        path.unlink(missing_ok=True)
    elif isinstance(path, Path):
        shutil.rmtree(path, ignore_errors=False)
    else:
        path.fs.rm(path.path, recursive=True)


def _rewrite(path: UPath, table: Any) -> None:
    """The new table takes the old one's place at once: an object is there only when its upload is complete."""
    parquet = require("pyarrow.parquet", "data")
    if not isinstance(path, Path):
        buffer = io.BytesIO()
        parquet.write_table(table, buffer)
        path.write_bytes(buffer.getvalue())
        return
    partial = path.with_name(path.name + ".partial")
    parquet.write_table(table, partial)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)


def _rows_of(path: UPath, key: str) -> list[dict[str, Any]]:
    if not {"patient_id", "image_id"} <= set(_columns(path)):
        return []
    table = _read(path)
    mine = _is_in(table["patient_id"], [key])
    wanted = [name for name in ("image_id", "uri") if name in table.column_names]
    rows: list[dict[str, Any]] = table.filter(mine).select(wanted).to_pylist()
    return rows


def _mask(table: Any, key: str, images: frozenset[str]) -> Any | None:
    """Which rows are the patient's; None where there is none."""
    found = None
    for name in table.column_names:
        values = [key] if name == "patient_id" else sorted(images) if name in _IMAGE_COLUMNS else None
        if values is not None:
            here = _is_in(table[name], values)
            found = here if found is None else _compute().or_(found, here)
    return found if found is not None and _compute().any(found).as_py() else None


def _is_in(column: Any, values: list[str]) -> Any:
    arrow = require("pyarrow", "data")
    texts = column.cast(arrow.large_string())
    return _compute().is_in(texts, value_set=arrow.array(values, arrow.large_string()))


def _parts(split: UPath, images: frozenset[str]) -> Iterator[str]:
    if split.is_file():
        table = _read(split)
        yield from sorted(set(table.filter(_is_in(table["image_id"], sorted(images)))["split"].to_pylist()))


def _files(folder: UPath) -> Iterator[UPath]:
    """The run's own files: not those of bundles, which hold no row of a patient, nor prepared images."""
    for path in sorted(folder.rglob("*"), key=str):
        inside = path.relative_to(folder).parts
        if inside and inside[0] not in (*_MADE_OF_IMAGES, *_BUNDLES) and path.is_file():
            yield path


def _names(path: UPath, words: list[bytes]) -> bool:
    if path.stat().st_size > _LARGEST_TEXT:
        return False
    text = path.read_bytes()
    return any(word in text for word in words)


def _columns(path: UPath) -> list[str]:
    with path.open("rb") as file:
        names: list[str] = require("pyarrow.parquet", "data").read_schema(file).names
    return names


def _read(path: UPath) -> Any:
    with path.open("rb") as file:
        return require("pyarrow.parquet", "data").ParquetFile(file).read()


def _compute() -> Any:
    return require("pyarrow.compute", "data")
