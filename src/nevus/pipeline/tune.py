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
from nevus.pipeline.loading import load_settings
from nevus.pipeline.lock import folder_lock
from nevus.pipeline.main_job import MAIN_JOB
from nevus.pipeline.settings import RunSettings
from nevus.pipeline.tables import read_split_manifest
from nevus.training.callbacks import Report
from nevus.training.examples import fit_metadata
from nevus.training.loop import CHECKPOINTS
from nevus.training.targets import choose_targets
from nevus.training.tuning import Entry, Found, TuningError, TuningSettings, search
from nevus.training.worker import TrainingJob, train

BEFORE_TRAINING = ("ingest", "check", "split", "prepare")
STUDY = "study.db"
FOUND = "found.yaml"
TRIALS = "trials"
TRIED = ("model", "training")


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

    Raises:
        SettingsError: a setting that doesn't exist, or a value that it can't take.
        TuningError: the folder's study asked something else, or no trial could be finished.
    """
    tree = load_settings(TuneSettings, config, assignments)
    run = RunSettings.model_validate(tree.model_dump(exclude={"tuning"}, exclude_unset=True))
    _refuse_impossible(run, tree.tuning)
    base = output / "data"
    LocalEngine().run(MAIN_JOB, run, str(base), only=BEFORE_TRAINING, listener=listener)
    rows = read_split_manifest(str(base / "manifest.parquet"), str(base / "split.parquet"))
    rows = rows.filter(pl.col("split") != "test")
    targets = choose_targets(rows, run.task, run.data.classes, run.data.malignant)
    tuning = tree.tuning.for_classes(targets.classes)
    table = output / "rows.parquet"
    rows.write_parquet(table)

    def train_once(number: int, values: Mapping[str, Any], report: Report) -> Entry:
        told(number, values, None)
        changed = _changed(run, values)
        folder = output / TRIALS / str(number)
        try:
            best = train(_job(changed, rows, table, base, folder), report).best
        finally:
            _forget_checkpoints(output)
        told(number, values, best)
        return best

    with folder_lock(output, lambda _: None):
        _forget_checkpoints(output)
        found = search(tuning, train_once, output / STUDY, name=tree.name)
    kept = _with(run, found.values)
    text = f"# Trial {found.number} of {found.trials + found.pruned}, on validation only: {json.dumps(asdict(found))}\n"
    (output / FOUND).write_text(text + yaml.safe_dump(kept, sort_keys=False, allow_unicode=True))
    return found


def _forget_checkpoints(output: Path) -> None:
    """No trial goes on where another stopped, so those of finished, pruned and killed ones only take room."""
    for folder in (output / TRIALS).glob(f"*/{CHECKPOINTS}"):
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_impossible(run: RunSettings, tuning: TuningSettings) -> None:
    """Before hours are spent: every value that may be tried is one that the setting takes, and that can be built."""
    _refuse_unbuildable(run)
    for key, span in tuning.space.items():
        if key.partition(".")[0] not in TRIED:
            raise TuningError(
                f"tuning.space: {key} is not among the settings that a trial can change; the data are prepared once, "
                f"so only those of {' and '.join(TRIED)} can be tried."
            )
        for value in span.choices or span.ends:
            changed = _changed(run, {key: value})
            if key.partition(".")[0] == "model":
                _refuse_unbuildable(changed)


def _refuse_unbuildable(run: RunSettings) -> None:
    train = MAIN_JOB.step("train")
    if train.preflight is not None:
        train.preflight(train.settings(run))


def _changed(run: RunSettings, values: Mapping[str, Any]) -> RunSettings:
    """The run's settings with other values; refused as those of a settings file are."""
    return load_settings(RunSettings, _with(run, values), environment={})


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
