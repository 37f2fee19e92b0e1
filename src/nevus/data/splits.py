"""Stratified and grouped splits: which group of images is for training, validation and test."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Annotated, Literal

import polars as pl
from pydantic import Field, model_validator

from nevus.errors import InputError
from nevus.settings import Section
from nevus.taxonomy import BENIGN_CLASS, MALIGNANT_CLASS, UNKNOWN, Task

PARTS = ("train", "validation", "test")
FEW_GROUPS = 10
"""Below so many groups a class is too small for its figures to mean much; the split warns."""


class SplitError(InputError):
    """The data can't be split as asked."""


class LeakageError(InputError):
    """A group stands in more than one part of a split."""


class SplitSettings(Section):
    """How the groups are dealt out."""

    seed: int = 0
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.15
    test: Annotated[float, Field(gt=0, lt=1)] = 0.15
    strategy: Literal["grouped", "leave_one_source_out"] = "grouped"
    held_out_source: str | None = None
    folds: int = Field(default=0, ge=0)
    """Number of cross-validation folds dealt over train and validation; 0 for none."""

    @model_validator(mode="after")
    def _consistent(self) -> SplitSettings:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together leave nothing to train on; their sum must be below 1")
        if (self.strategy == "leave_one_source_out") != (self.held_out_source is not None):
            raise ValueError("held_out_source belongs to strategy leave_one_source_out, and the one needs the other")
        if self.folds == 1:
            raise ValueError("folds must be 0 (none) or at least 2")
        return self


def make_split(
    manifest: pl.DataFrame, settings: SplitSettings, *, fixed_test: Collection[str] = (), task: Task = "diagnosis"
) -> tuple[pl.DataFrame, list[str]]:
    """Deal every group to one part, each class in about the same shares.

    Groups are ranked within their class by a hash of seed and group, so the deal depends neither on the order of rows
    nor on which other groups there are more than it must. A group of several classes counts for its rarest one.

    Args:
        manifest: rows with `image_id, group_id, diagnosis, malignant, source`.
        settings: shares, seed and strategy.
        fixed_test: image ids that were in a test part before; their groups stay there for ever. Where a source is held
            out, those of other sources belong to no part of this split, to be neither learnt from nor scored.
        task: whose classes are dealt alike: diagnoses (malignant and benign ones of a name apart), or malignancy alone.

    Returns:
        The table `image_id, group_id, split[, fold]` (sorted by image id; `fold` is null for test; images that belong
        to no part are absent) and warnings.

    Raises:
        SplitError: a class with a single group, or with none to learn from; no such source.
    """
    held, known = _held_out(manifest, settings), _groups_of(manifest, fixed_test)
    warnings = []
    if settings.strategy == "grouped":
        held |= known
    elif known - held:
        everything, manifest = manifest, manifest.filter(~pl.col("group_id").is_in(list(known - held)))
        warnings.append(
            f"{everything.height - manifest.height} image(s) of other sources were test in an earlier split; they are "
            "set aside, neither learnt from nor scored"
        )
    groups = _groups(manifest, task)
    warnings += _check_classes(groups)
    groups = groups.with_columns(
        pl.col("group_id").is_in(list(held)).alias("held"),
        pl.Series("order", [_order(settings.seed, g) for g in groups["group_id"]], dtype=pl.String),
    ).sort("stratum", "held", "order", descending=[False, True, False])
    free_test = 0.0 if settings.strategy == "leave_one_source_out" else settings.test
    parts: list[str] = []
    folds: list[int | None] = []
    for _, stratum in groups.group_by("stratum", maintain_order=True):
        dealt, fold = _deal(stratum["held"].to_list(), free_test, settings)
        parts += dealt
        folds += fold
    groups = groups.with_columns(pl.Series("split", parts, dtype=pl.String), pl.Series("fold", folds, dtype=pl.Int32))
    _check_learnable(groups)
    groups = groups.select("group_id", "split", "fold")
    split = manifest.select("image_id", "group_id").join(groups, on="group_id", how="left").sort("image_id")
    if not settings.folds:
        split = split.drop("fold")
    check_no_shared_groups(split)
    return split, warnings


def check_no_shared_groups(split: pl.DataFrame, manifest: pl.DataFrame | None = None) -> None:
    """Refuse a split in which a group stands in two parts; with a manifest, the manifest's groups are the judges.

    Raises:
        LeakageError: names the first such groups, or images that the split doesn't know.
    """
    if manifest is not None:
        split = manifest.select("image_id", "group_id").join(
            split.select("image_id", "split"), on="image_id", how="inner"
        )
    torn = split.group_by("group_id").agg(pl.col("split").unique().sort()).filter(pl.col("split").list.len() > 1)
    if torn.height:
        named = "; ".join(f"{g} in {' and '.join(p)}" for g, p in torn.sort("group_id").head(3).iter_rows())
        raise LeakageError(
            f"{torn.height} group(s) stand in more than one part of the split: {named}. Images of one lesion or "
            "patient must stay together; make the split anew with `nevus step split`."
        )


def split_fingerprint(split: pl.DataFrame) -> str:
    """SHA-256 (hex) over the sorted rows `image_id, group_id, split`."""
    digest = hashlib.sha256()
    for row in split.select("image_id", "group_id", "split").sort("image_id").iter_rows():
        digest.update(("\x1f".join(row) + "\x1e").encode())
    return digest.hexdigest()


def leakage_of_random_split(manifest: pl.DataFrame, *, test: float, seed: int) -> dict[str, float]:
    """What a random split by image would leak: shares of test images (all, malignant) whose group is trained on too."""
    shuffled = manifest.select("image_id", "group_id", "malignant").sample(fraction=1.0, shuffle=True, seed=seed)
    cut = round(shuffled.height * test)
    part, rest = shuffled.head(cut), set(shuffled.tail(shuffled.height - cut)["group_id"])
    leaked = part.with_columns(pl.col("group_id").is_in(list(rest)).alias("leaked"))
    malignant = leaked.filter(pl.col("malignant").fill_null(value=False))
    return {
        "test_images": float(part.height),
        "leaked_share": _mean(leaked["leaked"]),
        "leaked_share_malignant": _mean(malignant["leaked"]),
    }


def _mean(values: pl.Series) -> float:
    return float(values.cast(pl.Float64).sum() / max(len(values), 1))


def _groups(manifest: pl.DataFrame, task: Task) -> pl.DataFrame:
    """One row a group: `group_id, class, stratum`, both of the group's rarest stratum."""
    labelled = manifest.with_columns(_class(task).alias("class")).with_columns(_stratum(task).alias("stratum"))
    sizes = labelled.group_by("stratum").agg(pl.col("group_id").n_unique().alias("n"))
    groups = (
        labelled.join(sizes, on="stratum")
        .sort("n", "stratum")
        .group_by("group_id", maintain_order=True)
        .agg(pl.col("class", "stratum").first())
    )
    # A single group can't be dealt to two parts: it goes with the others of its class.
    alone = pl.len().over("stratum") < 2
    largest = pl.col("stratum").mode().sort().first().over("class")
    return groups.with_columns(pl.when(alone).then(largest).otherwise("stratum").alias("stratum"))


def _class(task: Task) -> pl.Expr:
    if task == "diagnosis":
        return pl.col("diagnosis")
    sides = {False: BENIGN_CLASS, True: MALIGNANT_CLASS}
    return pl.col("malignant").replace_strict(sides, default=UNKNOWN, return_dtype=pl.String)


def _stratum(task: Task) -> pl.Expr:
    if task == "malignancy":
        return pl.col("class")
    return pl.format("{}/{}", "class", pl.col("malignant").fill_null(value=False))


def _check_classes(groups: pl.DataFrame) -> list[str]:
    warnings = []
    known = groups.filter(pl.col("class") != UNKNOWN)
    for name, n in known.group_by("class").agg(pl.len()).sort("class").iter_rows():
        if n < 2:
            raise SplitError(
                f"class {name} has a single group, so it can't be both trained on and tested. Add lesions "
                "of that class, or leave it out (data.classes)."
            )
        if n < FEW_GROUPS:
            warnings.append(f"class {name} has only {n} groups: its figures will mean little")
    return warnings


def _check_learnable(groups: pl.DataFrame) -> None:
    """Held-out sources and groups that were test before may take all there is of a class."""
    known = groups.filter(pl.col("class") != UNKNOWN)
    learnt = known.group_by("class").agg((pl.col("split") == "train").any().alias("learnt"), pl.len().alias("n"))
    for name, _, n in learnt.filter(~pl.col("learnt")).sort("class").iter_rows():
        raise SplitError(
            f"all {n} groups of class {name} are for validation or test (by a held-out source, or because they were "
            "test before), so nothing is left to learn it from. Add lesions of that class, or leave it out "
            "(data.classes)."
        )


def _held_out(manifest: pl.DataFrame, settings: SplitSettings) -> set[str]:
    """The groups with an image of the source that is held out."""
    if settings.held_out_source is None:
        return set()
    held = set(manifest.filter(pl.col("source") == settings.held_out_source)["group_id"])
    if not held:
        known = ", ".join(sorted(s for s in manifest["source"].unique().to_list() if s)) or "none"
        raise SplitError(f"no image has the source {settings.held_out_source!r}; the sources are: {known}.")
    return held


def _groups_of(manifest: pl.DataFrame, image_ids: Collection[str]) -> set[str]:
    if not image_ids:
        return set()
    return set(manifest.filter(pl.col("image_id").is_in(list(image_ids)))["group_id"])


def _order(seed: int, group: str) -> str:
    return hashlib.sha256(f"{seed}:{group}".encode()).hexdigest()


def _deal(held: list[bool], test: float, settings: SplitSettings) -> tuple[list[str], list[int | None]]:
    """Parts and folds of one stratum's groups; the first ones are those already held out."""
    n, kept = len(held), sum(held)
    n_test = max(kept, _share(n, test)) if test else kept
    n_validation = min(_share(n, settings.validation), max(n - n_test - 1, 0))
    parts = ["test"] * n_test + ["validation"] * n_validation + ["train"] * (n - n_test - n_validation)
    folds = (
        [None if p == "test" else (i - n_test) % settings.folds for i, p in enumerate(parts)] if settings.folds else []
    )
    return parts, folds or [None] * n


def _share(n: int, share: float) -> int:
    """At least one of two or more, and never all."""
    return min(max(round(n * share), 1), n - 1)
