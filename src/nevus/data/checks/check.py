"""The check: every row and every file of a manifest, judged row by row."""

from __future__ import annotations

import time

import polars as pl

from nevus.data.checks.colour import channel_warnings
from nevus.data.checks.errors import CheckError, ClassError
from nevus.data.checks.files import Progress, read_files
from nevus.data.checks.reasons import REASONS, SET_ASIDE, TEXTS
from nevus.data.checks.result import REJECTED, CheckResult, CheckSummary
from nevus.data.checks.rows import KEY, row_faults, row_warnings
from nevus.data.groups import assign_groups
from nevus.data.manifest import SCHEMA, conform
from nevus.data.manifest_schema import validate_manifest
from nevus.data.merge import merge_same_images
from nevus.data.parallel import usable_cpus
from nevus.data.settings import CheckSettings
from nevus.taxonomy import UNKNOWN, Task


def check_manifest(
    table: pl.DataFrame,
    settings: CheckSettings,
    progress: Progress | None = None,
    *,
    classes: tuple[str, ...] = (),
) -> CheckResult:
    """Judge every row, reading every file once; nothing is dropped in silence.

    Args:
        table: a manifest as a source gives it.
        settings: what is rejected.
        progress: told files done and of all, in this thread.
        classes: diagnoses to keep; empty keeps all.

    Returns:
        What was accepted and rejected; `require_usable` says whether to go on with it.
    """
    began = time.perf_counter()
    table = conform(table)
    workers = settings.workers or usable_cpus()
    paths = table.select("uri", "channels").unique("uri", keep="first", maintain_order=True).rows()
    facts = read_files(paths, settings, workers=workers, progress=progress)
    filled = table.drop("sha256", "width", "height").join(
        facts.select("uri", "sha256", "width", "height"), on="uri", how="left", maintain_order="left"
    )
    filled = filled.select(list(SCHEMA))
    faults = pl.concat([row_faults(table), _file_faults(table, facts), _left_out(table, classes)])
    verdicts = _one_a_row(faults)
    judged = filled.with_row_index("row").join(verdicts, on="row", how="left", maintain_order="left").drop("row")
    rejected = judged.filter(pl.col("reason").is_not_null())
    accepted = judged.filter(pl.col("reason").is_null()).drop("reason", "detail")
    merged = merge_same_images(accepted)
    rejected = pl.concat([rejected, merged.folded]).sort(KEY)
    accepted = assign_groups(merged.kept).select(list(SCHEMA)).sort(KEY)
    validate_manifest(accepted)
    files = accepted.select("dataset", "image_id", "uri", "channels").join(
        facts, on="uri", how="left", maintain_order="left"
    )
    warnings = (
        merged.notes
        + row_warnings(accepted)
        + _file_warnings(files, settings)
        + channel_warnings(files)
        + _class_warnings(accepted, settings)
    )
    summary = _summary(accepted, rejected, warnings, settings, seconds=time.perf_counter() - began)
    return CheckResult(accepted, rejected, files, summary)


def require_usable(result: CheckResult, *, task: Task = "diagnosis", rejected_at: str = REJECTED) -> None:
    """Refuse data that one shouldn't learn from.

    Raises:
        CheckError: the rejected share is above the set one.
        ClassError: nothing is left, or a class has a single group, so it can't be both learned and tested.
    """
    require_accepted(result, rejected_at=rejected_at)
    for name, groups in _groups_of_classes(result.accepted, task):
        if groups < 2:
            raise ClassError(
                f"class {name} has a single group (one lesion or patient), so it can't be both learned and tested. Add "
                "lesions of that class, or leave it out by naming the others in data.classes."
            )


def require_accepted(result: CheckResult, *, rejected_at: str = REJECTED) -> None:
    """Refuse data that one shouldn't even test on.

    Raises:
        CheckError: the rejected share is above the set one.
        ClassError: nothing is left.
    """
    summary = result.summary
    if not summary.passed:
        counts = "; ".join(f"{count} x {TEXTS[reason]}" for reason, count in summary.reasons.items() if reason in TEXTS)  # type: ignore[index]
        raise CheckError(
            f"{summary.rejected} of {summary.images} rows were rejected ({summary.rejected_share:.1%}, allowed are "
            f"{summary.max_rejected_share:.1%}): {counts}. See {rejected_at}, row by row; correct the data, or raise "
            "data.check.max_rejected_share."
        )
    if result.accepted.is_empty():
        raise ClassError("no image is left after the check; see the reasons in " + rejected_at + ".")


def _groups_of_classes(accepted: pl.DataFrame, task: Task) -> list[tuple[str, int]]:
    if task == "malignancy":
        named = accepted.drop_nulls("malignant").with_columns(
            pl.when("malignant").then(pl.lit("malignant")).otherwise(pl.lit("benign")).alias("class")
        )
    else:
        named = accepted.filter(pl.col("diagnosis") != UNKNOWN).with_columns(pl.col("diagnosis").alias("class"))
    return list(named.group_by("class").agg(pl.col("group_id").n_unique()).sort("class").iter_rows())


def _file_faults(table: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    bad = facts.filter(pl.col("fault").is_not_null()).select("uri", pl.col("fault").alias("reason"), "detail")
    rows = table.select("uri").with_row_index("row")
    return rows.join(bad, on="uri", how="inner", maintain_order="left").select("row", "reason", "detail")


def _left_out(table: pl.DataFrame, classes: tuple[str, ...]) -> pl.DataFrame:
    rows = table.select("diagnosis").with_row_index("row")
    rows = rows.filter(~pl.col("diagnosis").is_in(list(classes))) if classes else rows.clear()
    return rows.select(
        "row",
        pl.lit("class_left_out").alias("reason"),
        pl.format("{} is not among data.classes.", "diagnosis").alias("detail"),
    )


def _one_a_row(faults: pl.DataFrame) -> pl.DataFrame:
    """One verdict a row: the first reason by precedence, all the details."""
    rank = pl.col("reason").replace_strict({reason: n for n, reason in enumerate(REASONS)}, return_dtype=pl.Int32)
    return (
        faults.with_columns(rank.alias("rank"))
        .sort("row", "rank")
        .group_by("row", maintain_order=True)
        .agg(pl.col("reason").first(), pl.col("detail").str.join(" "))
    )


def _file_warnings(files: pl.DataFrame, settings: CheckSettings) -> list[str]:
    blurred = files.filter(pl.col("sharpness") < settings.min_sharpness)
    misnamed = files.filter(pl.col("wrong_ending"))
    warnings = []
    if blurred.height:
        warnings.append(f"{blurred.height} image(s) are blurred, such as {blurred['uri'][0]}")
    if misnamed.height:
        first = misnamed.row(0, named=True)
        warnings.append(
            f"{misnamed.height} image(s) have the wrong ending, such as {first['uri']}, which is {first['format']}"
        )
    notes = files.drop_nulls("notes").select(pl.col("notes").str.split(" ").explode().value_counts(sort=True))
    for note in notes.to_series():
        warnings.append(f"{note['count']} image(s): {note['notes'].replace('_', ' ')}")
    return warnings


def _class_warnings(accepted: pl.DataFrame, settings: CheckSettings) -> list[str]:
    few = {code: n for code, n in _lesions(accepted).items() if n < settings.few_lesions and code != UNKNOWN}
    return [f"class {code} has only {n} lesion(s): its figures will mean little" for code, n in few.items()]


def _lesions(accepted: pl.DataFrame) -> dict[str, int]:
    lesion = pl.coalesce(pl.format("lesion:{}", "lesion_id"), pl.format("image:{}", "image_id"))
    counted = accepted.group_by("diagnosis").agg(pl.struct("dataset", lesion.alias("lesion")).n_unique().alias("n"))
    return dict(counted.sort("diagnosis").iter_rows())


def _summary(
    accepted: pl.DataFrame,
    rejected: pl.DataFrame,
    warnings: list[str],
    settings: CheckSettings,
    *,
    seconds: float,
) -> CheckSummary:
    reasons = dict(rejected["reason"].value_counts(sort=True).iter_rows())
    set_aside = sum(count for reason, count in reasons.items() if reason in SET_ASIDE)
    faulty = rejected.height - set_aside
    images = accepted.height + rejected.height
    share = faulty / images if images else 0.0
    return CheckSummary(
        images=images,
        accepted=accepted.height,
        rejected=faulty,
        set_aside=set_aside,
        rejected_share=share,
        max_rejected_share=settings.max_rejected_share,
        passed=share <= settings.max_rejected_share,
        reasons=reasons,
        classes=dict(accepted["diagnosis"].value_counts().sort("diagnosis").iter_rows()),
        lesions=_lesions(accepted),
        groups=accepted["group_id"].n_unique(),
        warnings=warnings,
        seconds=seconds,
    )
