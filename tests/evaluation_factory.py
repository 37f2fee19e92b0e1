"""A made-up model's predictions on made-up lesions, and the evaluation of them: for tests of all who read results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from nevus.evaluation.calibration import describe_calibration, fit_temperature, softmax
from nevus.evaluation.evaluate import evaluate
from nevus.evaluation.operating_points import choose_operating_points
from nevus.evaluation.prediction_sets import choose_set_threshold
from nevus.evaluation.predictions import Predictions
from nevus.evaluation.refusal import choose_refusal_limit
from nevus.evaluation.results import Bootstrap, EvaluationResults, PartSize, Provenance, Task

SHARES = {"akiec": 0.03, "bcc": 0.05, "bkl": 0.11, "df": 0.015, "mel": 0.11, "nv": 0.67, "vasc": 0.015}
MALIGNANT = ("akiec", "bcc", "mel")
SOURCES = ("rosendahl", "vidir_modern", "vidir_molemax")
SITES = ("back", "face", "lower extremity", None)


def make_logits(
    n_lesions: int = 700, *, seed: int = 0, skill: float = 2.6, task: Task = "diagnosis", stream: int = 0
) -> tuple[Predictions, np.ndarray, np.ndarray]:
    """Predictions with an untempered softmax, their logits [N, C], and out-of-distribution scores [N].

    Lesions have one to three images whose logits resemble each other; `skill` is how far the true class stands out;
    `stream` tells parts of one data set apart, so that their lesions have different names.
    """
    rng = np.random.default_rng([seed, stream])
    codes = tuple(SHARES)
    diagnosis = rng.choice(len(codes), size=n_lesions, p=np.array(list(SHARES.values())) / sum(SHARES.values()))
    images = rng.choice([1, 2, 3], size=n_lesions, p=[0.75, 0.18, 0.07])
    lesion = np.repeat(np.arange(n_lesions), images)
    n, truth = len(lesion), diagnosis[lesion]
    own = rng.normal(size=(n_lesions, len(codes)))[lesion] + 0.6 * rng.normal(size=(n, len(codes)))
    logits = own + skill * np.eye(len(codes))[truth]
    is_malignant = np.isin(np.array(codes)[truth], MALIGNANT)
    age = np.clip(rng.normal(45 + 15 * is_malignant[np.unique(lesion, return_index=True)[1]], 15), 5, 90)
    histology = is_malignant | (rng.random(n_lesions) < 0.4)[lesion]
    columns = {
        "age": objects([None if rng.random() < 0.02 else float(round(age[i] / 5) * 5) for i in lesion]),
        "sex": objects(np.array(["female", "male"])[rng.integers(0, 2, n_lesions)][lesion]),
        "site": objects([SITES[i] for i in rng.integers(0, 4, n_lesions)[lesion]]),
        "source": objects([SOURCES[i] for i in rng.choice(3, size=n_lesions, p=[0.25, 0.35, 0.4])[lesion]]),
        "confirmed_by": objects(["histology" if h else "follow_up" for h in histology]),
    }
    classes, malignant_classes, labels = codes, MALIGNANT, truth
    if task == "malignancy":
        benign, bad = [np.isin(codes, MALIGNANT) == flag for flag in (False, True)]
        logits = np.stack([np.logaddexp.reduce(logits[:, part], axis=1) for part in (benign, bad)], axis=1)
        classes, malignant_classes, labels = ("benign", "malignant"), ("malignant",), is_malignant.astype(np.int64)
    predictions = Predictions(
        task=task,
        classes=classes,
        malignant_classes=malignant_classes,
        ids=objects([f"IMG_{stream}_{i:06d}" for i in range(n)]),
        probabilities=softmax(2.0 * logits),
        labels=labels.astype(np.int64),
        malignant=is_malignant,
        groups=objects([f"group-{stream}-{i:05d}" for i in lesion]),
        lesions=objects([f"LES_{stream}_{i:05d}" for i in lesion]),
        diagnoses=objects([codes[i] if task == "diagnosis" or i == codes.index("mel") else "unknown" for i in truth]),
        columns=columns,
    )
    return predictions, 2.0 * logits, rng.gamma(4.0, 1.0, size=n)


def make_predictions(
    p_malignant: Sequence[float], malignant: Sequence[bool], *, groups: Sequence[str] | None = None, **own: Any
) -> Predictions:
    """Predictions of the binary task from a malignant probability and the truth of each image; more by name."""
    n = len(p_malignant)
    score, truth = np.asarray(p_malignant, dtype=np.float64), np.asarray(malignant, dtype=np.bool_)
    names = objects(groups if groups is not None else [f"g{i:04d}" for i in range(n)])
    fields: dict[str, Any] = {
        "task": "malignancy",
        "classes": ("benign", "malignant"),
        "malignant_classes": ("malignant",),
        "ids": objects([f"i{i:04d}" for i in range(n)]),
        "probabilities": np.stack([1 - score, score], axis=1),
        "labels": truth.astype(np.int64),
        "malignant": truth,
        "groups": names,
        "lesions": names,
        "diagnoses": objects(["unknown"] * n),
    }
    return Predictions(**(fields | own))


@lru_cache(maxsize=8)
def make_evaluation(
    *, task: Task = "diagnosis", n_lesions: int = 700, seed: int = 0, skill: float = 2.6, replicates: int = 200
) -> EvaluationResults:
    """The evaluation of a made-up model, about as good as a real one: about 930 test images of 700 lesions."""
    validation, raw, strange = make_logits(n_lesions, seed=seed, skill=skill, task=task, stream=0)
    test, test_raw, test_strange = make_logits(n_lesions, seed=seed, skill=skill, task=task, stream=1)
    temperature = fit_temperature(raw, validation.labels)
    limit = choose_refusal_limit(strange, validation.groups, validation.malignant)
    bootstrap = Bootstrap(replicates=replicates, seed=seed)
    validation = _ship(validation, raw, temperature, strange > limit)
    test = _ship(test, test_raw, temperature, test_strange > limit)
    sizes = {
        part: PartSize(n_images=rows, n_groups=groups, n_malignant_groups=malignant)
        for part, rows, groups, malignant in (
            ("train", 4 * len(test), 4 * n_lesions, 133 * n_lesions // 175),
            ("validation", len(validation), n_lesions, len(set(validation.groups[validation.malignant]))),
            ("test", len(test), n_lesions, len(set(test.groups[test.malignant]))),
        )
    }
    return evaluate(
        test,
        validation=validation,
        operating_points=choose_operating_points(validation, (0.95, 0.90), bootstrap),
        default_operating_point="sensitivity_95",
        set_threshold=choose_set_threshold(validation, 0.95),
        set_coverage=0.95,
        ood_limit=limit,
        calibration=describe_calibration(raw, validation.labels, temperature),
        bootstrap=bootstrap,
        sizes=sizes,
        test_openings=1,
        provenance=Provenance(model="made-up", content_fingerprint="0" * 64, split_fingerprint="1" * 64),
    )


def _ship(predictions: Predictions, logits: np.ndarray, temperature: float, strange: np.ndarray) -> Predictions:
    probabilities = softmax(logits, temperature)
    shipped = replace(predictions, probabilities=probabilities, out_of_distribution=strange)
    unusable = np.zeros(len(shipped), dtype=np.bool_)
    unusable[::97] = True
    return replace(shipped, unusable=unusable, near_threshold=np.abs(shipped.p_malignant - 0.1) < 0.01)


def objects(values: Any) -> np.ndarray:
    """An array of Python objects, as the columns of predictions are."""
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array
