"""Predictions under weights: what several metrics share is computed once."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from nevus.evaluation.arrays import Bools, Floats, Integers
from nevus.evaluation.confusion import confusion_matrix
from nevus.evaluation.predictions import Predictions
from nevus.evaluation.ranking import Ranking, rank


class WeightedView:
    """Predictions, each row counting `weights[..., N]` times; without weights, once.

    With weights of shape [R, N], as a bootstrap has them, everything read off it is [R] or [R, ...].
    """

    def __init__(self, predictions: Predictions, weights: Floats | None = None) -> None:
        self.predictions = predictions
        self.weights = np.ones(len(predictions)) if weights is None else weights

    @cached_property
    def labelled_weights(self) -> Floats:
        """The weights of the rows that have a label among the classes [..., L]."""
        labelled = self.predictions.labelled
        return self.weights if labelled.all() else self.weights[..., labelled]

    @cached_property
    def labels(self) -> Integers:
        """The true classes of the labelled rows [L]."""
        return self.predictions.labels[self.predictions.labelled]

    @cached_property
    def probabilities(self) -> Floats:
        """The probabilities of the labelled rows [L, C]."""
        return self.predictions.probabilities[self.predictions.labelled]

    @cached_property
    def confidence(self) -> Floats:
        """The highest class probability of the labelled rows [L]."""
        highest: Floats = self.probabilities.max(axis=1, initial=0.0)
        return highest

    @cached_property
    def right(self) -> Bools:
        """Whether the most probable class of each labelled row is the true one [L]."""
        return np.asarray(self.predictions.calls[self.predictions.labelled] == self.labels)

    @cached_property
    def confusion(self) -> Floats:
        """The confusion matrix [..., C, C]; rows are truth."""
        calls = self.predictions.calls[self.predictions.labelled]
        return confusion_matrix(self.labels, calls, len(self.predictions.classes), self.labelled_weights)

    def class_ranking(self, index: int) -> Ranking:
        """How the probability of one class ranks its votes above the others."""
        return rank(self.labels == index, self.probabilities[:, index], self.labelled_weights)

    @cached_property
    def malignant_ranking(self) -> Ranking:
        """How the malignant probability ranks malignant votes above benign ones."""
        return rank(self.predictions.malignant, self.predictions.p_malignant, self.weights)
