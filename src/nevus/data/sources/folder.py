"""Images sorted into one folder a diagnosis."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from nevus.data.sources.base import Source
from nevus.data.sources.errors import MissingDatasetError
from nevus.data.sources.files import find_root, join, list_images, place
from nevus.taxonomy import DIAGNOSES


class FolderSource(Source):
    """`root/<diagnosis>/*.jpg`; a folder's name is a code of ours, or a label of `data.labels`."""

    name: ClassVar[str] = "folder"
    title: ClassVar[str] = "One folder a diagnosis: root/<diagnosis>/*.jpg"
    LABELS: ClassVar = {code: code for code in DIAGNOSES}

    def rows(self) -> pl.DataFrame:
        """One row a file; there are no lesions or patients, so images of one lesion can't be kept together."""
        root = find_root(self.settings)
        base = join(root, self.settings.images) if self.settings.images else root
        found: list[dict[str, str]] = []
        folders = sorted(e.name for e in place(base).iterdir() if e.is_dir() and not e.name.startswith("."))
        for folder in folders:
            for name in sorted(list_images(join(base, folder))):
                found.append({"image_id": f"{folder}/{name}", "label": folder, "uri": join(base, folder, name)})
        if not found:
            looked = f"in the folders {', '.join(folders[:5])} of {base}" if folders else f"in folders below {base}"
            raise MissingDatasetError(
                f"there are no images {looked}. The source folder reads {base}/<diagnosis>/*.jpg; for another layout "
                "use the source table."
            )
        return pl.DataFrame(found)
