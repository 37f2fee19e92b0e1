"""The data section of the settings: which datasets, and how strictly they are checked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from nevus.data.pixels import Channels
from nevus.data.reading import WITHOUT_CREDENTIALS, holds_credentials
from nevus.data.synthetic.settings import SyntheticSettings
from nevus.settings import Section
from nevus.taxonomy import MALIGNANT, check_codes

SourceName = Literal[
    "synthetic",
    "ham10000",
    "isic2019",
    "isic2020",
    "isic2024",
    "isic_archive",
    "bcn20000",
    "folder",
    "table",
]


class DatasetSettings(Section):
    """One dataset: where it is and how its table is read."""

    source: SourceName = "synthetic"
    """How the dataset is laid out; `nevus data sources` lists them."""
    root: str | None = None
    """The dataset's folder, or an `s3://` address. Only `synthetic` does without: it is drawn into the run's output."""
    images: str | None = None
    """The folder of images where it isn't at its usual place; relative to `root`."""
    table: str | None = None
    """The table of labels where it isn't at its usual place; relative to `root`."""
    columns: dict[str, str] = Field(default_factory=dict)
    """For `table`: the manifest's column -> the table's column, such as `{image_id: file, diagnosis: dx}`."""
    labels: dict[str, str] = Field(default_factory=dict)
    """The dataset's label -> diagnosis code, on top of the source's own mapping."""
    channels: Channels = "rgb"
    """`bgr` where red and blue are exchanged in the files, as the check warns of; they are put back on reading."""
    name: str | None = None
    """What the manifest calls the dataset; null for the source's own name. Two that are merged need two names."""
    licence: str | None = None
    """For `folder` and `table`: the licence of the images, which the model inherits."""
    attribution: str | None = None
    """For `folder` and `table`: whom to credit."""
    synthetic: SyntheticSettings = SyntheticSettings()
    """What the source `synthetic` draws."""

    @model_validator(mode="after")
    def _consistent(self) -> DatasetSettings:
        if self.source != "synthetic" and self.root is None:
            raise ValueError(f"source {self.source} needs root, the folder that holds the dataset")
        for key in ("root", "images", "table"):
            if holds_credentials(getattr(self, key) or ""):
                raise ValueError(f"{key} holds a user name, password or token; {WITHOUT_CREDENTIALS}")
        if self.columns and self.source != "table":
            raise ValueError(f"columns belongs to the source table; {self.source} has its own columns")
        check_codes(self.labels.values())
        return self

    @property
    def called(self) -> str:
        """What the manifest calls the dataset."""
        return self.name or self.source


class CheckSettings(Section):
    """When an image is rejected, and when too many are."""

    max_rejected_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Above this share of rejected rows the check fails: then something is wrong with the dataset itself."""
    min_short_side: int = Field(default=64, ge=3)
    """Pixels of the shorter side; a smaller image is rejected."""
    max_pixels: int = Field(default=64_000_000, ge=1)
    """A larger image is rejected by its header, before it is decoded."""
    min_contrast: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Standard deviation of the grey values / 255; below it the image is blank and rejected."""
    min_sharpness: Annotated[float, Field(ge=0)] = 3.5
    """Variance of the Laplacian of the grey values at 224 pixels short side; below it a warning: blurred. (The softest
    of HAM10000's images has 3.9; nine in ten of them fall below 3.6 when blurred by 3 pixels.)"""
    reject_blurred: bool = False
    """Reject blurred images instead of warning of them."""
    few_lesions: int = Field(default=10, ge=0)
    """A class with fewer lesions gives a warning."""
    workers: int = Field(default=0, ge=0)
    """Threads that read and decode; 0 for one a usable CPU. Changes the speed, not the result."""


class DataSettings(DatasetSettings):
    """The dataset, or several that are merged, and the check."""

    datasets: tuple[DatasetSettings, ...] = ()
    """Several datasets to merge; then `source` and `root` above are left out."""
    malignant: tuple[str, ...] = tuple(sorted(MALIGNANT))
    """Diagnoses that count as malignant where a dataset has no benign/malignant column of its own."""
    classes: tuple[str, ...] = ()
    """Diagnoses to keep; images of others are set aside (and counted). Empty keeps all."""
    check: CheckSettings = CheckSettings()

    @model_validator(mode="after")
    def _one_or_several(self) -> DataSettings:
        single = sorted(self.model_fields_set & set(DatasetSettings.model_fields))
        if self.datasets and single:
            raise ValueError(f"datasets lists what is merged, so {', '.join(single)} belongs into its entries")
        names = [dataset.called for dataset in self.datasets]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"two datasets are called {', '.join(twice)}, and equal names of images, lesions and patients would "
                "count as the same; give each a name of its own (data.datasets[].name)"
            )
        check_codes(self.malignant)
        check_codes(self.classes)
        return self

    def each(self) -> tuple[DatasetSettings, ...]:
        """The datasets, one or several."""
        return self.datasets or (self,)
