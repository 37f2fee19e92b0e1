"""Tuning of a run: the data are prepared once, then each trial trains in a folder of its own; no test image is read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from nevus.pipeline.engines import LocalEngine
from nevus.pipeline.engines.base import Listener, deaf
from nevus.pipeline.loading import load_settings, read_yaml
from nevus.pipeline.lock import folder_lock
from nevus.pipeline.main_job import MAIN_JOB
from nevus.pipeline.settings import RunSettings
from nevus.pipeline.tables import read_split_manifest
from nevus.training.callbacks import Report
from nevus.training.examples import fit_metadata
from nevus.training.targets import choose_targets
from nevus.training.tuning import Entry, Found, TuningSettings, search
from nevus.training.worker import TrainingJob, train

BEFORE_TRAINING = ("ingest", "check", "split", "prepare")
STUDY = "study.db"
FOUND = "found.yaml"


class TuneSettings(RunSettings):
    """A run's settings, and what is searched among them."""

    tuning: TuningSettings = TuningSettings()


def tune(
    config: Path | None,
    assignments: list[str],
    output: Path,
    listener: Listener = deaf,
    told: Callable[[int, Mapping[str, Any], Entry | None], None] = lambda *_: None,
) -> Found:
    """Search, and write the best settings found to `found.yaml`, ready for `nevus run`.

    Args:
        config: the run's settings, with a section `tuning`.
        assignments: as of `--set`.
        output: folder of the study; the same again goes on with it.
        listener: hears of the steps before training.
        told: hears (trial, values, its best epoch; None at its start).
    """
    tree = load_settings(TuneSettings, config, assignments)
    run = RunSettings.model_validate(tree.model_dump(exclude={"tuning"}))
    base = output / "data"
    LocalEngine().run(MAIN_JOB, run, str(base), only=BEFORE_TRAINING, listener=listener)
    rows = read_split_manifest(str(base / "manifest.parquet"), str(base / "split.parquet"))
    rows = rows.filter(pl.col("split") != "test")
    table = output / "rows.parquet"
    rows.write_parquet(table)

    def train_once(number: int, values: Mapping[str, Any], report: Report) -> Entry:
        told(number, values, None)
        changed = RunSettings.model_validate(_with(run, values))
        folder = output / "trials" / str(number)
        best = train(_job(changed, rows, table, base, folder), report).best
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
        told(number, values, best)
        return best

    with folder_lock(output, lambda _: None):
        found = search(tree.tuning, train_once, output / STUDY, name=tree.name)
    kept = read_yaml(config) if config else {}
    kept.pop("tuning", None)
    for key, value in found.values.items():
        _put(kept, key, value)
    text = f"# Trial {found.number} of {found.trials + found.pruned}, on validation only: {json.dumps(asdict(found))}\n"
    (output / FOUND).write_text(text + yaml.safe_dump(kept, sort_keys=False, allow_unicode=True))
    return found


def _with(run: RunSettings, values: Mapping[str, Any]) -> dict[str, Any]:
    plain = run.model_dump(mode="json", exclude={"store", "tracking", "notices"}, exclude_unset=True)
    for key, value in values.items():
        _put(plain, key, value)
    return plain


def _put(tree: dict[str, Any], key: str, value: Any) -> None:
    *path, last = key.split(".")
    for part in path:
        tree = tree.setdefault(part, {})
    tree[last] = value


def _job(run: RunSettings, rows: pl.DataFrame, table: Path, base: Path, folder: Path) -> TrainingJob:
    targets = choose_targets(rows, run.task, run.data.classes, run.data.malignant)
    learning = rows.filter(pl.col("split") == "train")
    return TrainingJob(
        manifest=table,
        prepared=str(base / "prepared"),
        output=folder,
        task=targets.task,
        classes=targets.classes,
        malignant=targets.malignant,
        metadata=fit_metadata(learning) if run.model.metadata else None,
        model=run.model,
        training=run.training,
    )
