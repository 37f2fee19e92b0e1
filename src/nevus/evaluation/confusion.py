"""The confusion matrix, and what is read off it: accuracy, balanced accuracy, precision, recall, F1.

Every function takes matrices of shape [..., C, C] (rows: truth, columns: call) and gives [...], or [..., C] where it
speaks of each class, so that a thousand resamples cost one call.
"""

from __future__ import annotations

import numpy as np

from nevus.evaluation.arrays import Floats, Integers, mean_of_defined, ratio


def confusion_matrix(labels: Integers, calls: Integers, n_classes: int, weights: Floats) -> Floats:
    """Weight of votes by true class and called class.

    Args:
        labels: true class [N], 0 .. n_classes - 1.
        calls: called class [N].
        n_classes: C.
        weights: [..., N]; how often each vote counts.

    Returns:
        [..., C, C]; rows are truth, columns are calls.
    """
    cells = np.zeros((len(labels), n_classes * n_classes))
    cells[np.arange(len(labels)), labels * n_classes + calls] = 1.0
    counts: Floats = weights @ cells
    return counts.reshape(*weights.shape[:-1], n_classes, n_classes)


def accuracy(confusion: Floats) -> Floats:
    """Share of votes called rightly. Two thirds of HAM10000 are nevi: never quote it alone."""
    return ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


def recall(confusion: Floats) -> Floats:
    """tp / (tp + fn) of each class [..., C]; NaN for a class that doesn't occur."""
    return ratio(_diagonal(confusion), confusion.sum(axis=-1))


def precision(confusion: Floats) -> Floats:
    """tp / (tp + fp) of each class [..., C]; 0 for a class that occurs and is never called, NaN if it doesn't occur."""
    called = confusion.sum(axis=-2)
    occurs = confusion.sum(axis=-1) > 0
    share = np.where(called > 0, ratio(_diagonal(confusion), called), 0.0)
    return np.where(occurs, share, np.nan)


def f1(confusion: Floats) -> Floats:
    """2 tp / (2 tp + fp + fn) of each class [..., C]; NaN for a class that doesn't occur."""
    support = confusion.sum(axis=-1)
    score = ratio(2 * _diagonal(confusion), support + confusion.sum(axis=-2))
    return np.where(support > 0, score, np.nan)


def balanced_accuracy(confusion: Floats) -> Floats:
    """The mean recall of the classes that occur (Brodersen et al., ICPR 2010; ISIC 2018 task 3, `BACC`)."""
    return mean_of_defined(recall(confusion))


def macro(per_class: Floats) -> Floats:
    """The plain mean over the classes that occur, of a score per class [..., C]."""
    return mean_of_defined(per_class)


def weighted(per_class: Floats, confusion: Floats) -> Floats:
    """The mean over classes weighted by how often each occurs, of a score per class [..., C]."""
    support = confusion.sum(axis=-1)
    return ratio(np.where(support > 0, per_class * support, 0.0).sum(axis=-1), support.sum(axis=-1))


def _diagonal(confusion: Floats) -> Floats:
    return np.diagonal(confusion, axis1=-2, axis2=-1)
