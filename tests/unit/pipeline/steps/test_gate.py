"""The step that judges: how it compares with the champion."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nevus.evaluation.policy import Policy, PolicyError, load_policy
from nevus.evaluation.settings import EvaluationSettings
from nevus.notices import NoticeSettings
from nevus.notices.apprise import NoticeAddressError
from nevus.pipeline.settings import GateSection, GateSettings
from nevus.pipeline.steps.gate import Candidate, compare_with, preflight
from nevus.store import ModelVersion, NewVersion, Registry, StoreSettings, open_store

CLASSES = ("mel", "nv")


def predictions(path: Path, *, prefix: str = "g", images: int = 80) -> str:
    """Two images a lesion, half of the lesions melanomas; one in ten images is called wrongly."""
    number = np.arange(images)
    malignant = number // 2 % 2 == 0
    p = np.where(malignant ^ (number % 10 == 0), 0.9, 0.1)
    pl.DataFrame(
        {
            "image_id": [f"i{n}" for n in number],
            "group_id": [f"{prefix}{n // 2}" for n in number],
            "split": "test",
            "diagnosis": np.where(malignant, "mel", "nv"),
            "label": np.where(malignant, 0, 1),
            "malignant": malignant,
            "p_mel": p,
            "p_nv": 1 - p,
            "p_malignant": p,
        }
    ).write_parquet(path)
    return str(path)


@pytest.fixture
def settings(tmp_path: Path) -> GateSection:
    return GateSection(
        name="lesions",
        evaluation=EvaluationSettings(replicates=100),
        gate=GateSettings(),
        store=StoreSettings(home=tmp_path / "home"),
        notices=NoticeSettings(),
    )


@pytest.fixture
def champion(tmp_path: Path, settings: GateSection) -> ModelVersion:
    new = NewVersion(
        model="lesions",
        bundle_uri="/b",
        bundle_digest="0" * 64,
        task="diagnosis",
        classes=CLASSES,
        malignant=("mel",),
        gate={},
        gate_passed=True,
        predictions_uri=predictions(tmp_path / "champion.parquet"),
    )
    with open_store(settings.store) as store:
        registry = Registry(store)
        registry.register(new)
        registry.approve("lesions/1", by="A", note="n")
        return registry.promote("lesions/1").version


def candidate(path: str) -> Candidate:
    return Candidate("lesions", "diagnosis", CLASSES, ("mel",), path)


def test_the_champion_is_compared_though_its_run_named_the_groups_otherwise(tmp_path, settings, champion):
    own = candidate(predictions(tmp_path / "own.parquet", prefix="patient"))
    found, problem = compare_with(champion, own, load_policy("default"), settings)
    assert problem is None
    assert (found.champion, found.n_images, found.n_groups) == ("lesions/1", 80, 40)
    assert set(found.metrics) == {"balanced_accuracy"}
    difference = found.metrics["balanced_accuracy"].difference
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_a_policy_or_an_address_that_cannot_be_used_is_refused_beforehand(settings):
    preflight(settings)
    with pytest.raises(PolicyError, match="no policy 'defualt'"):
        preflight(settings.model_copy(update={"gate": GateSettings(policy="defualt")}))
    with pytest.raises(NoticeAddressError, match=r"notices\.urls\[0\]"):
        preflight(settings.model_copy(update={"notices": NoticeSettings(urls=("nowhere",))}))


def test_a_champion_whose_predictions_are_gone_is_a_problem_and_no_champion_is_none(tmp_path, settings, champion):
    own = candidate(predictions(tmp_path / "own.parquet"))
    gone = replace(champion, predictions_uri=str(tmp_path / "gone.parquet"))
    found, problem = compare_with(gone, own, load_policy("default"), settings)
    assert found is None
    assert "the predictions of lesions/1 are not at" in problem
    assert compare_with(None, own, load_policy("default"), settings) == (None, None)
    plain = Policy.model_validate({"name": "own", "rules": [{"id": "r", "metric": "ece", "threshold": 1}]})
    assert compare_with(gone, own, plain, settings) == (None, None)
