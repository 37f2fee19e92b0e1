"""What is evaluated: a model's predictions on labelled images, as arrays of one length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from nevus.evaluation.arrays import Anything, Bools, Floats, Integers, Objects
from nevus.evaluation.errors import EvaluationError
from nevus.evaluation.results import Task

NO_CLASS = -1
"""The label of an image whose diagnosis isn't one of the model's classes, or isn't known."""


@dataclass(frozen=True)
class Predictions:
    """A model's predictions on N labelled votes (images, or lesions after `one_vote_a_lesion`).

    `labels` are indices into `classes`, or `NO_CLASS`: such a row plays no part in scores of classes, but does in
    those of malignancy, whose truth is `malignant` (the dataset's own benign/malignant column where it has one, else
    from the diagnosis). `groups` is the unit of resampling: patient, else lesion. `lesions` may hold None: such an
    image is a lesion of its own. `diagnoses` are codes (`unknown` is valid); they name the melanomas, also in the
    binary task. `columns` hold raw values by dimension (`age` in years, `sex`, `site`, `source`, `confirmed_by`); None
    or NaN where not known. Flags that are absent (None) mean that nothing was refused for that reason.

    Raises:
        EvaluationError: shapes, labels or ids that don't belong together, probabilities that aren't.
    """

    task: Task
    classes: tuple[str, ...]
    malignant_classes: tuple[str, ...]
    ids: Objects
    probabilities: Floats
    labels: Integers
    malignant: Bools
    groups: Objects
    lesions: Objects
    diagnoses: Objects
    out_of_distribution: Bools | None = None
    unusable: Bools | None = None
    near_threshold: Bools | None = None
    columns: Mapping[str, Objects] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.ids)
        if self.probabilities.shape != (n, len(self.classes)):
            raise EvaluationError(
                f"probabilities have shape {self.probabilities.shape}, but there are {n} images and "
                f"{len(self.classes)} classes."
            )
        for name, array in self._arrays().items():
            if len(array) != n:
                raise EvaluationError(f"{name} has {len(array)} entries for {n} images.")
        if len(set(self.ids.tolist())) != n:
            raise EvaluationError("two rows carry the same image id; each image may be predicted once.")
        if n and (self.labels.min() < NO_CLASS or self.labels.max() >= len(self.classes)):
            raise EvaluationError(f"labels must lie in {NO_CLASS} .. {len(self.classes) - 1}.")
        wrong = ~np.isclose(self.probabilities.sum(axis=1), 1.0, atol=1e-3)
        wrong |= (self.probabilities < 0).any(axis=1)
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            raise EvaluationError(
                f"the probabilities of {self.ids[first]} are not a distribution: {self.probabilities[first].tolist()}."
            )
        strange = set(self.malignant_classes) - set(self.classes)
        if strange:
            raise EvaluationError(f"malignant class {', '.join(sorted(strange))} is not among the model's classes.")

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def p_malignant(self) -> Floats:
        """Probability of malignancy [N]: the sum over the malignant classes."""
        columns = [self.classes.index(code) for code in self.malignant_classes]
        total: Floats = self.probabilities[:, columns].sum(axis=1)
        return np.clip(total, 0.0, 1.0)

    @cached_property
    def calls(self) -> Integers:
        """The most probable class [N]; the first of equals."""
        highest: Integers = self.probabilities.argmax(axis=1).astype(np.int64)
        return highest

    @cached_property
    def labelled(self) -> Bools:
        """Which rows have a label among the classes [N]."""
        return np.asarray(self.labels != NO_CLASS, dtype=np.bool_)

    @cached_property
    def melanoma(self) -> Bools:
        """Which rows are melanomas by diagnosis [N]."""
        return np.asarray(self.diagnoses == "mel", dtype=np.bool_)

    @cached_property
    def refused(self) -> Bools:
        """Which rows are out of distribution or unusable [N]."""
        nothing = np.zeros(len(self), dtype=np.bool_)
        return (nothing if self.out_of_distribution is None else self.out_of_distribution) | (
            nothing if self.unusable is None else self.unusable
        )

    def take(self, rows: Anything) -> Predictions:
        """The rows of a mask or of indices."""
        own = {name: array for name, array in self._arrays().items() if not name.startswith("columns.")}
        chosen: dict[str, Any] = {name: array[rows] for name, array in own.items()}
        columns = {name: values[rows] for name, values in self.columns.items()}
        return replace(self, **chosen, columns=columns)

    def _arrays(self) -> dict[str, Anything]:
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        found: dict[str, Anything] = {name: value for name, value in own.items() if isinstance(value, np.ndarray)}
        return found | {f"columns.{name}": values for name, values in self.columns.items()}


def n_groups(groups: Anything) -> int:
    """How many different groups there are."""
    return len(set(groups.tolist()))
