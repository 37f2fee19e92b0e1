"""The drawn cohort as a dataset."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import ClassVar

import polars as pl

from nevus.data.settings import DatasetSettings
from nevus.data.sources.base import Source, local_root
from nevus.data.sources.errors import SourceError
from nevus.data.synthetic.generate import Progress, generate, synthetic_fingerprint
from nevus.data.synthetic.settings import PREVALENCE
from nevus.taxonomy import MALIGNANT


class SyntheticSource(Source):
    """Draws its images where they aren't there yet: into `root`, else into a folder of the run's cache."""

    name: ClassVar[str] = "synthetic"
    title: ClassVar[str] = "Drawn lesions of seven diagnoses, made on this machine"
    licence: ClassVar[str] = "CC0-1.0"
    attribution: ClassVar[str] = "nevus, synthetic images"
    LABELS: ClassVar = {code: code for code in PREVALENCE}

    def __init__(
        self,
        settings: DatasetSettings,
        *,
        malignant: Collection[str] = MALIGNANT,
        cache: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        super().__init__(settings, malignant=malignant)
        self._cache = cache
        self._progress = progress

    def rows(self) -> pl.DataFrame:
        """Draw what is missing, and list it."""
        folder = self._folder()
        table = generate(self.settings.synthetic, folder, self._progress)
        return table.with_columns(
            pl.col("diagnosis").alias("label"), pl.format(str(folder).replace("{", "{{") + "/{}", "file").alias("uri")
        ).drop("diagnosis", "file")

    def _folder(self) -> Path:
        if self.settings.root is not None:
            return local_root(self.settings)
        if self._cache is None:
            raise SourceError("the source synthetic needs root, the folder to draw into.")
        return self._cache.absolute() / f"synthetic-{synthetic_fingerprint(self.settings.synthetic)[:12]}"
