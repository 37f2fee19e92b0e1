"""Finding a dataset's table and images, in a local folder or a bucket, and saying what is missing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from nevus.data.reading import is_remote, remote_path
from nevus.data.settings import DatasetSettings
from nevus.data.sources.errors import MissingColumnError, MissingDatasetError, SourceError

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
"""In the order of preference where one image has several files."""


def join(root: str, *parts: str) -> str:
    """An address below `root`, which may be an absolute one itself; local ones become absolute paths."""
    for part in parts:
        absolute = is_remote(part) or Path(part).expanduser().is_absolute()
        root = part if absolute else f"{root.rstrip('/')}/{part}"
    return root if is_remote(root) else str(Path(root).expanduser().absolute())


def place(uri: str) -> Any:
    """A `Path`, or a `UPath` that behaves like one."""
    return remote_path(uri) if is_remote(uri) else Path(uri)


def find_root(settings: DatasetSettings) -> str:
    """The dataset's root.

    Raises:
        MissingDatasetError: no such folder, not a folder, or nothing in it.
    """
    root = join(settings.root or ".")
    folder = place(root)
    hint = f"data.root of the source {settings.source} must name the folder that holds the dataset"
    try:
        if not folder.exists():
            raise MissingDatasetError(f"there is no folder {root}; {hint}.")
        if not folder.is_dir():
            raise MissingDatasetError(f"{root} is not a folder; {hint}.")
        if next(iter(folder.iterdir()), None) is None:
            raise MissingDatasetError(f"the folder {root} is empty; {hint}.")
    except PermissionError as error:
        raise SourceError(f"{root} may not be read ({error.strerror or error}); allow it, or copy the data.") from error
    return root


def find_table(settings: DatasetSettings, names: Sequence[str]) -> str:
    """The address of the dataset's table: `settings.table`, else the first of `names` that exists in the root.

    Raises:
        MissingDatasetError: none is there.
    """
    root = find_root(settings)
    wanted = (settings.table,) if settings.table else tuple(names)
    for name in wanted:
        if place(join(root, name)).is_file():
            return join(root, name)
    raise MissingDatasetError(
        f"{root} holds no table {' or '.join(wanted)}, which the source {settings.source} reads. Put it there, or say "
        "with data.table where it is."
    )


def read_table(uri: str, required: Iterable[str] = ()) -> pl.DataFrame:
    """Read a CSV (comma, semicolon or tab) or Parquet file; every column of a CSV is text, as it stands there.

    Raises:
        SourceError: not such a file, or without rows.
        MissingColumnError: a required column is absent.
    """
    data = place(uri).read_bytes()
    try:
        if uri.lower().endswith(".parquet"):
            table = pl.read_parquet(data)
        else:
            table = pl.read_csv(data, separator=_separator(data), infer_schema=False, encoding="utf8-lossy")
    except pl.exceptions.PolarsError as error:
        raise SourceError(f"{uri} can't be read as a table: {str(error).splitlines()[0]}") from error
    table = table.rename({column: column.strip().removeprefix("\ufeff").strip('"') for column in table.columns})
    require_columns(table, required, uri)
    if table.is_empty():
        raise MissingDatasetError(f"{uri} has a header but no rows.")
    return table


def require_columns(table: pl.DataFrame, required: Iterable[str], uri: str) -> None:
    """Raise `MissingColumnError`, naming file and columns, where one is absent."""
    missing = list(dict.fromkeys(column for column in required if column not in table.columns))
    if missing:
        raise MissingColumnError(
            f"{uri} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; it has "
            f"{', '.join(table.columns)}. For a table of your own, take the source `table` and name its columns in "
            "data.columns; of a public dataset, get the official table again."
        )


def image_files(settings: DatasetSettings, folders: Sequence[str]) -> ImageFiles:
    """The images in `settings.images`, else in all of `folders` that exist, else in the root itself.

    Raises:
        MissingDatasetError: there is no image in any of them.
    """
    root = find_root(settings)
    wanted = (settings.images,) if settings.images else tuple(folders)
    present = [join(root, name) for name in wanted if place(join(root, name)).is_dir()]
    if settings.images and not present:
        raise MissingDatasetError(f"there is no folder {join(root, settings.images)}, which data.images names.")
    files: dict[str, str] = {}
    for folder in present or [root]:
        for name in sorted(list_images(folder), key=_preference, reverse=True):
            files[os.path.splitext(name)[0]] = join(folder, name)  # noqa: PTH122 (400,000 names)
    if not files:
        looked = " or ".join(present) if present else f"{root} (nor in {', '.join(wanted)} below it)"
        raise MissingDatasetError(
            f"there are no images in {looked}. Put them there, or say with data.images in which folder they are."
        )
    return ImageFiles(files, present[0] if present else root)


class ImageFiles:
    """A dataset's image files by their name without ending."""

    def __init__(self, files: Mapping[str, str], folder: str) -> None:
        self._files = files
        self._folder = folder

    def uri(self, name: str) -> str:
        """The image called `name` (with or without ending); where there is none, the address at which it should be."""
        found = self._files.get(name) or self._files.get(os.path.splitext(name)[0])  # noqa: PTH122
        found = found or self._files.get(f"{name}_downsampled") or self._files.get(name.removesuffix("_downsampled"))
        ending = "" if name.lower().endswith(IMAGE_ENDINGS) else ".jpg"
        return found or f"{self._folder.rstrip('/')}/{name}{ending}"


def with_uris(table: pl.DataFrame, files: ImageFiles, column: str = "image_id") -> pl.DataFrame:
    """Add `uri` by the image's name in `column`."""
    names = table[column].cast(pl.String).str.strip_chars()
    uris = pl.Series("uri", [files.uri(name) if name else None for name in names], dtype=pl.String)
    return table.with_columns(uris, names.alias(column))


def list_images(folder: str) -> list[str]:
    """Names of the image files in a folder (not below it); hidden ones don't count."""
    if is_remote(folder):
        names = [entry.name for entry in place(folder).iterdir()]
    else:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
    return [name for name in names if name.lower().endswith(IMAGE_ENDINGS) and not name.startswith(".")]


def _preference(name: str) -> int:
    return IMAGE_ENDINGS.index(os.path.splitext(name)[1].lower())  # noqa: PTH122


def _separator(data: bytes) -> str:
    head = data[:65536].split(b"\n", 1)[0].decode("utf-8", "replace")
    return max(",;\t", key=head.count)
