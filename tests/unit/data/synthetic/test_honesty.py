"""The cohort can't be told apart by its colours: a model on colour means alone stays under .6 balanced accuracy."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from nevus.data.synthetic import SyntheticSettings, generate
from nevus.imaging import read_image

Sample = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Colour features [N, 12], diagnoses, and whether a patient is held out."""
    folder = tmp_path_factory.mktemp("cohort")
    table = generate(SyntheticSettings(lesions=500), folder)
    features = []
    for file in table["file"]:
        pixels = read_image(folder / file).pixels / 255
        centre = pixels[30:90, 40:120]
        features.append(
            np.concatenate(
                [part.mean((0, 1)) for part in (pixels, centre)] + [part.std((0, 1)) for part in (pixels, centre)]
            )
        )
    held = [int(hashlib.sha256(p.encode()).hexdigest(), 16) % 10 < 3 for p in table["patient_id"]]
    return np.array(features), table["diagnosis"].to_numpy(), np.array(held)


MODELS = {
    "logistic": lambda: LogisticRegression(class_weight="balanced", max_iter=3000),
    "neighbours": lambda: KNeighborsClassifier(7),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("columns", [3, 12], ids=["means", "means and deviations, whole and centre"])
def test_colour_means_do_not_tell_the_diagnosis(cohort: Sample, model: str, columns: int) -> None:
    features, diagnosis, held = cohort
    chosen = features[:, :columns]
    pipeline = make_pipeline(StandardScaler(), MODELS[model]()).fit(chosen[~held], diagnosis[~held])
    score = balanced_accuracy_score(diagnosis[held], pipeline.predict(chosen[held]))
    assert score < 0.6, f"{model} on {columns} colour features: balanced accuracy {score:.3f}"


def test_a_flexible_model_on_all_colour_features_fails_too(cohort: Sample) -> None:
    features, diagnosis, held = cohort
    model = make_pipeline(
        StandardScaler(), PolynomialFeatures(2), LogisticRegression(class_weight="balanced", C=3, max_iter=3000)
    ).fit(features[~held], diagnosis[~held])
    score = balanced_accuracy_score(diagnosis[held], model.predict(features[held]))
    assert score < 0.6, f"quadratic on 12 colour features: balanced accuracy {score:.3f}"
