"""Rows of a manifest as what the network learns from: labels, groups and encoded metadata."""

from __future__ import annotations

import numpy as np
import polars as pl

from nevus.bundle import metadata
from nevus.bundle.schema import MetadataSpec
from nevus.errors import InputError
from nevus.training.dataset import Examples
from nevus.training.targets import Targets


class EmptyPartError(InputError):
    """A part of the split has no image that the task can use."""


def make_examples(manifest: pl.DataFrame, targets: Targets, spec: MetadataSpec | None, *, part: str) -> Examples:
    """The labelled rows of one part; rows without a label of the task are left out.

    Args:
        manifest: the rows of the part.
        targets: the classes.
        spec: encoder of metadata, None for none.
        part: its name, for the message.

    Raises:
        EmptyPartError: no row has a label.
    """
    labels = targets.labels(manifest)
    kept = manifest.filter(pl.Series(labels >= 0))
    if kept.is_empty():
        raise EmptyPartError(f"the {part} part holds no image with a label for the task {targets.task}.")
    return Examples(
        image_ids=tuple(kept["image_id"]),
        labels=labels[labels >= 0],
        groups=tuple(kept["group_id"]),
        metadata=encoded(kept, spec),
        unknown=metadata.encode(spec, [None], [None], [None])[0] if spec else np.zeros(0, np.float32),
    )


def encoded(manifest: pl.DataFrame, spec: MetadataSpec | None) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Metadata of a manifest's rows, float32 [n,M]; M = 0 without an encoder."""
    if spec is None:
        return np.zeros((manifest.height, 0), np.float32)
    return metadata.encode(spec, *(manifest[column].to_list() for column in ("age", "sex", "site")))


def fit_metadata(train: pl.DataFrame) -> MetadataSpec:
    """The encoder that the training part calls for: its ages' mean and spread, its sexes and sites."""
    ages = train["age"].drop_nulls().drop_nans().to_numpy()
    spread = float(ages.std()) if len(ages) > 1 else 0.0
    return MetadataSpec(
        age_mean=float(ages.mean()) if len(ages) else 50.0,
        age_std=spread or 1.0,
        sexes=tuple(sorted(train["sex"].drop_nulls().unique().to_list())),
        sites=tuple(sorted(train["site"].drop_nulls().unique().to_list())),
    )
