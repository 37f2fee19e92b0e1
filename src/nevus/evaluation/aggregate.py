"""One vote a lesion: several images of a lesion give one answer."""

from __future__ import annotations

import numpy as np

from nevus.evaluation.arrays import Anything, Bools, Integers
from nevus.evaluation.errors import EvaluationError
from nevus.evaluation.predictions import Predictions


def one_vote_a_lesion(predictions: Predictions) -> Predictions:
    """Merge the images of each lesion by the mean of their probabilities.

    The mean of probabilities, not of logits: it commutes with the sum over malignant classes, and one image on which
    the model is falsely certain can't veto the others. The lesion's id becomes the row's id; an image without a lesion
    is one of its own. Flags hold where they hold for every image of the lesion: one good image is enough for an answer.

    Raises:
        EvaluationError: a lesion carries two labels or lies in two groups.
    """
    keys = [
        ("image", image) if lesion is None else ("lesion", lesion)
        for image, lesion in zip(predictions.ids.tolist(), predictions.lesions.tolist(), strict=True)
    ]
    places: dict[tuple[str, object], int] = {}
    index = np.array([places.setdefault(key, len(places)) for key in keys], dtype=np.int64)
    first = np.array([int(i) for i in np.unique(index, return_index=True)[1]], dtype=np.int64)
    for what, values in (
        ("label", predictions.labels),
        ("malignancy", predictions.malignant),
        ("group", predictions.groups),
    ):
        _same_within(values, first[index], what, predictions)
    counts = np.bincount(index, minlength=len(places))
    sums = np.zeros((len(places), len(predictions.classes)))
    np.add.at(sums, index, predictions.probabilities)
    chosen = predictions.take(first)
    ids = np.empty(len(places), dtype=object)
    ids[:] = [f"{kind} {name}" for kind, name in places]
    return Predictions(
        task=chosen.task,
        classes=chosen.classes,
        malignant_classes=chosen.malignant_classes,
        ids=ids,
        probabilities=sums / counts[:, None],
        labels=chosen.labels,
        malignant=chosen.malignant,
        groups=chosen.groups,
        lesions=chosen.lesions,
        diagnoses=chosen.diagnoses,
        out_of_distribution=_all_within(predictions.out_of_distribution, index, counts),
        unusable=_all_within(predictions.unusable, index, counts),
        near_threshold=_all_within(predictions.near_threshold, index, counts),
        columns=chosen.columns,
    )


def _same_within(values: Anything, first: Integers, what: str, predictions: Predictions) -> None:
    differs = np.flatnonzero(np.asarray(values != values[first]))
    if len(differs):
        row = int(differs[0])
        raise EvaluationError(
            f"lesion {predictions.lesions[row]} has images of different {what} "
            f"({predictions.ids[row]} is one); run `nevus data check`, which rejects such lesions."
        )


def _all_within(flags: Bools | None, index: Anything, counts: Anything) -> Bools | None:
    if flags is None:
        return None
    return np.asarray(np.bincount(index, weights=flags.astype(np.float64), minlength=len(counts)) == counts)
