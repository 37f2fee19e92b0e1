"""What the report and the card show, gathered from a run's output folder."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from nevus.bundle import Prediction, Predictor, bundle_digest, read_bundle_manifest
from nevus.data.duplicates import read_searched
from nevus.data.groups import assign_groups
from nevus.data.pixels import ManifestPixels, limits_of
from nevus.data.splits import leakage_of_random_split
from nevus.evaluation.gate import GateVerdict
from nevus.evaluation.results import EvaluationResults
from nevus.imaging import frame
from nevus.pipeline.masking import command_line
from nevus.pipeline.records import FOLDER, read_record
from nevus.reporting.report import Case, DataFacts, LeakageProof, ReportContext, RunRecord
from nevus.training.targets import Targets

CASES_OF_A_KIND = 8
CASE_RULE = (
    "Of the test images, by the bundle itself: the right ones and the wrong ones of the highest stated probability, at "
    "most two of a true class, malignant classes first."
)


def gather(
    *,
    bundle: Path,
    results: EvaluationResults,
    rows: pl.DataFrame,
    checks: Path,
    history: Path,
    predictions: pl.DataFrame,
    gate: GateVerdict | None = None,
    duplicates: Path | None = None,
    settings: dict[str, Any] | None = None,
    shipped: bool = True,
    run: Path | None = None,
) -> ReportContext:
    """Everything that `write_report` takes.

    Args:
        bundle: the bundle as it ships.
        results: of its evaluation.
        rows: the manifest with `split`.
        checks: folder of the check step.
        history: history.json of the training.
        predictions: the bundle's table of predictions.
        gate: its verdict, once there is one.
        duplicates: the check's table of duplicate pairs.
        settings: the run's settings.
        shipped: whether `bundle` is the one that ships; a draft of it has no cases to show and another digest.
        run: the run's output folder, for what its steps recorded.
    """
    manifest = read_bundle_manifest(bundle)
    targets = Targets(manifest.task, manifest.classes, manifest.malignant)
    entries = json.loads(history.read_text())
    monitor = str(manifest.settings.get("training", {}).get("monitor", "balanced_accuracy"))
    return ReportContext(
        manifest=manifest,
        results=results,
        gate=gate,
        history=entries,
        best_epoch=_best_epoch(entries, f"validation_{monitor}"),
        data=data_facts(rows, targets, checks, duplicates),
        cases=_cases(bundle, rows, predictions, targets) if shipped else (),
        case_rule=CASE_RULE,
        record=RunRecord(
            settings=yaml.safe_dump(settings, sort_keys=False, allow_unicode=True) if settings else None,
            command=command_line() if run and Path(sys.argv[0]).name == "nevus" else None,
            bundle_digest=bundle_digest(bundle) if shipped else None,
            run=run.name if run else None,
            seconds=_seconds(run) if run else {},
            machine=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        ),
    )


def _seconds(run: Path) -> dict[str, float]:
    """Wall time of the steps that are done, in the order in which they ended."""
    names = (path.stem for path in (run / FOLDER).glob("*.json"))
    records = [record for name in names if (record := read_record(run, name)) is not None]
    return {record.step: record.seconds for record in sorted(records, key=lambda r: r.finished_at)}


def _best_epoch(entries: Sequence[dict[str, Any]], name: str) -> int | None:
    from nevus.training.scores import HIGHER_IS_BETTER

    known = [e for e in entries if isinstance(e.get(name), float)]
    if not known:
        return None
    sign = 1 if HIGHER_IS_BETTER.get(name.removeprefix("validation_"), True) else -1
    return int(max(known, key=lambda e: (sign * e[name], -e["epoch"]))["epoch"])


def data_facts(rows: pl.DataFrame, targets: Targets, checks: Path, duplicates: Path | None) -> DataFacts:
    """What the data are: counts by part and class, what was left out or merged, and what the split keeps apart.

    Args:
        rows: the manifest with `split`.
        targets: the classes.
        checks: folder of the check step.
        duplicates: the check's table of duplicate pairs.
    """
    names = [*targets.classes, "unknown"]
    labelled = rows.with_columns(pl.Series("class", [names[i] for i in targets.labels(rows)]))
    images: dict[str, dict[str, int]] = {}
    for part, name, count in labelled.group_by("split", "class").agg(pl.len()).sort("split", "class").iter_rows():
        images.setdefault(part, {})[name] = count
    rejected = pl.read_parquet(checks / "rejected.parquet")
    reasons = rejected.group_by("reason").agg(pl.len()).sort("reason")
    groups = rows.group_by("split").agg(pl.col("group_id").n_unique())
    test = rows.filter(pl.col("split") == "test").height / max(rows.height, 1)
    random = leakage_of_random_split(rows, test=test, seed=0)
    searched = read_searched(duplicates) if duplicates else ()
    return DataFacts(
        images=images,
        groups=dict(groups.iter_rows()),
        rejected=dict(reasons.iter_rows()),
        duplicates_merged=merged_pairs(pl.read_parquet(duplicates), rows) if duplicates and searched else None,
        duplicates_searched=searched,
        leakage=LeakageProof(
            shared_groups=_shared(rows, "group_id"),
            shared_lesions=_shared(rows, "lesion_id"),
            shared_patients=_shared(rows, "patient_id"),
            random_test_images=int(random["test_images"]),
            random_leaked=random["leaked_share"],
            random_leaked_malignant=random["leaked_share_malignant"],
        ),
    )


def merged_pairs(pairs: pl.DataFrame, rows: pl.DataFrame) -> int:
    """Pairs of images, each once whatever found it, that patient and lesion ids alone would have left in two groups.

    Args:
        pairs: the check's table.
        rows: the manifest.
    """
    keys = ["dataset", "image_id"]
    named = assign_groups(rows.drop("group_id")).select(*keys, "group_id")
    sides = pairs.select("dataset_a", "image_a", "dataset_b", "image_b").unique()
    for side in ("a", "b"):
        sides = sides.join(
            named.rename({"group_id": f"group_{side}"}), left_on=[f"dataset_{side}", f"image_{side}"], right_on=keys
        )
    return sides.filter(pl.col("group_a") != pl.col("group_b")).height


def _shared(rows: pl.DataFrame, column: str) -> int | None:
    known = rows.drop_nulls(column)
    if known.is_empty():
        return None
    return int(known.group_by("dataset", column).agg(pl.col("split").n_unique()).filter(pl.col("split") > 1).height)


def _cases(bundle: Path, rows: pl.DataFrame, predictions: pl.DataFrame, targets: Targets) -> list[Case]:
    chosen = _choose(predictions.filter((pl.col("split") == "test") & (pl.col("label") >= 0)), targets)
    images, places = ManifestPixels(rows), {image_id: row for row, image_id in enumerate(rows["image_id"])}
    cases = []
    with Predictor(bundle, threads=1, verify=False, limits=limits_of(rows)) as predictor:
        spec = predictor.manifest.input
        for image_id, label in chosen:
            row = places[image_id]
            answer = predictor.predict([images.source(row)], raw=True)[0]
            if not isinstance(answer, Prediction) or answer.probabilities is None or answer.diagnosis is None:
                continue
            pixels = frame(images(row), spec.height, spec.width, spec.rule)
            cases.append(
                Case(
                    image_id=image_id,
                    pixels=pixels,
                    evidence=answer.evidence,
                    truth=targets.classes[label],
                    prediction=answer.diagnosis,
                    probabilities=answer.probabilities,
                    p_malignant=answer.p_malignant or 0.0,
                    verdict=answer.verdict,
                )
            )
    return cases


def _choose(test: pl.DataFrame, targets: Targets) -> list[tuple[str, int]]:
    """Image ids and labels: the surest right and the surest wrong ones, malignant classes first."""
    probabilities = test.select([f"p_{c}" for c in targets.classes]).to_numpy()
    bad = {i for i, c in enumerate(targets.classes) if c in targets.malignant}
    ordered = test.select("image_id", "label", "lesion_id").with_columns(
        pl.Series("right", probabilities.argmax(1) == test["label"].to_numpy()),
        pl.Series("sure", probabilities.max(1)),
        pl.Series("first", [i not in bad for i in test["label"]]),
    )
    found: list[tuple[str, int]] = []
    for right in (True, False):
        kind = ordered.filter(pl.col("right") == right).sort("sure", descending=True)
        kind = kind.with_columns(pl.col("image_id").alias("own")).unique(
            "lesion_id" if kind["lesion_id"].null_count() == 0 else "own", keep="first", maintain_order=True
        )
        kind = kind.group_by("label", maintain_order=True).head(2).sort("first", "sure", descending=[False, True])
        found += list(kind.head(CASES_OF_A_KIND).select("image_id", "label").iter_rows())
    return found
