"""What an epoch is judged by on the validation part."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nevus.training.scores import HIGHER_IS_BETTER, WATCHED, validation_scores
from nevus.training.targets import Targets

BINARY = Targets("malignancy", ("benign", "malignant"), ("malignant",))


def scores(p_malignant: list[float], malignant: list[bool]) -> dict[str, float]:
    p = np.array(p_malignant)
    logits = np.log(np.stack([1 - p, p], axis=1)).astype(np.float32)
    groups = tuple(f"g{n}" for n in range(len(p)))
    return validation_scores(logits, np.array(malignant, dtype=np.int64), groups, BINARY)


def test_malignant_sensitivity_is_the_share_of_malignant_images_that_are_more_likely_malignant_than_not():
    found = scores([0.9, 0.6, 0.4, 0.1, 0.8], [True, True, True, False, False])
    assert found["malignant_sensitivity"] == pytest.approx(2 / 3)
    assert math.isnan(found["melanoma_recall"])
    assert math.isnan(scores([0.2, 0.7], [False, False])["malignant_sensitivity"])


def test_in_a_task_of_diagnoses_all_malignant_classes_count_together():
    targets = Targets("diagnosis", ("bcc", "mel", "nv"), ("bcc", "mel"))
    p = np.array([[0.3, 0.3, 0.4], [0.1, 0.2, 0.7], [0.0, 0.9, 0.1]]) + 1e-6
    found = validation_scores(np.log(p).astype(np.float32), np.array([0, 1, 1]), ("a", "b", "c"), targets)
    assert found["malignant_sensitivity"] == pytest.approx(2 / 3)
    assert found["melanoma_recall"] == pytest.approx(1 / 2)


def test_every_watched_metric_has_a_direction():
    assert list(scores([0.9, 0.1], [True, False])) == list(WATCHED)
    assert set(HIGHER_IS_BETTER) == set(WATCHED)
    assert HIGHER_IS_BETTER["malignant_sensitivity"]
    assert not HIGHER_IS_BETTER["nll"]
