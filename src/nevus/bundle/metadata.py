"""Age, sex and site as the numbers that the graph takes. Training and serving encode here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nevus.bundle.schema import MetadataSpec
from nevus.errors import InputError
from nevus.taxonomy import OLDEST


class MetadataError(InputError):
    """An age, sex or site that can't be meant."""


@dataclass(frozen=True)
class Metadata:
    """What is known of the patient and the place of the lesion; None where it isn't."""

    age: float | None = None
    sex: str | None = None
    site: str | None = None

    def __post_init__(self) -> None:
        if self.age is not None and not math.isnan(self.age) and not 0 <= self.age <= OLDEST:
            raise MetadataError(f"an age of {self.age:g} years is not possible; give 0 to {OLDEST:g}, or leave it out.")

    @property
    def known(self) -> bool:
        """Whether anything is known."""
        return not all(_missing(value) for value in (self.age, self.sex, self.site))


def width(spec: MetadataSpec | None) -> int:
    """M, the number of encoded values; 0 for a model without metadata."""
    return 0 if spec is None else 2 + len(spec.sexes) + 1 + len(spec.sites) + 1


def encode(
    spec: MetadataSpec,
    ages: Sequence[float | None],
    sexes: Sequence[str | None],
    sites: Sequence[str | None],
) -> NDArray[np.float32]:
    """Encode N rows as float32 [N, M], in the layout of `MetadataSpec`.

    None and NaN are unknown, and so is a sex or site that the model didn't learn.

    Raises:
        ValueError: the three don't have the same length.
    """
    encoded = np.zeros((len(ages), width(spec)), np.float32)
    sex_start, site_start = 2, 2 + len(spec.sexes) + 1
    sex_columns = {sex: sex_start + i for i, sex in enumerate(spec.sexes)}
    site_columns = {site: site_start + i for i, site in enumerate(spec.sites)}
    for row, (age, sex, site) in enumerate(zip(ages, sexes, sites, strict=True)):
        if age is None or math.isnan(age):
            encoded[row, 1] = 1.0
        else:
            encoded[row, 0] = (age - spec.age_mean) / spec.age_std
        encoded[row, sex_columns.get(sex or "", site_start - 1)] = 1.0
        encoded[row, site_columns.get(site or "", encoded.shape[1] - 1)] = 1.0
    return encoded


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
