"""What is learnt: the task, its classes and which of them are malignant; and a manifest's rows as labels."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nevus.bundle.schema import Task
from nevus.errors import InputError
from nevus.taxonomy import BINARY_CLASSES, MALIGNANT, MALIGNANT_CLASS, UNKNOWN


@dataclass(frozen=True)
class Targets:
    """The classes in the order of the outputs."""

    task: Task
    classes: tuple[str, ...]
    malignant: tuple[str, ...]

    @property
    def malignant_mask(self) -> NDArray[np.bool_]:
        """Bool [C]."""
        return np.array([code in self.malignant for code in self.classes])

    def labels(self, manifest: pl.DataFrame) -> NDArray[np.int64]:
        """Index of each row's class, int64 [n]; -1 where the row has none.

        In the binary task the dataset's own benign/malignant column counts, else the diagnosis.
        """
        if self.task == "malignancy":
            values = [None if m is None else int(m) for m in truth_of_malignancy(manifest)]
            return np.array([-1 if v is None else v for v in values], dtype=np.int64)
        places = {code: i for i, code in enumerate(self.classes)}
        return np.array([places.get(code, -1) for code in manifest["diagnosis"]], dtype=np.int64)


def choose_targets(
    manifest: pl.DataFrame, task: Task, classes: Collection[str] | None, malignant: Collection[str] | None
) -> Targets:
    """The targets of a run: the classes asked for, else every diagnosis that occurs, in alphabetical order.

    Raises:
        InputError: fewer than two classes, a class that doesn't occur, or none on one side of malignancy.
    """
    if task == "malignancy":
        return Targets(task, BINARY_CLASSES, (MALIGNANT_CLASS,))
    present = sorted(set(manifest["diagnosis"].to_list()) - {UNKNOWN})
    wanted = tuple(classes) if classes else tuple(present)
    absent = [code for code in wanted if code not in present]
    if absent:
        raise InputError(f"no image has the diagnosis {', '.join(absent)} (classes); there are {', '.join(present)}.")
    if len(wanted) < 2:
        raise InputError(f"the data hold {len(wanted)} class(es) ({', '.join(wanted)}); a classifier needs two.")
    bad = tuple(code for code in wanted if code in (MALIGNANT if malignant is None else malignant))
    if not bad or len(bad) == len(wanted):
        raise InputError(
            f"of the classes {', '.join(wanted)} {'none is' if not bad else 'all are'} malignant; a verdict needs both "
            "sides. Set malignant to the codes that are."
        )
    return Targets(task, wanted, bad)


def truth_of_malignancy(manifest: pl.DataFrame) -> list[bool | None]:
    """Whether each row is malignant: its dataset's own column, else its diagnosis; None for an unknown one."""
    pairs = zip(manifest["malignant"], manifest["diagnosis"], strict=True)
    return [m if m is not None else (None if d == UNKNOWN else d in MALIGNANT) for m, d in pairs]
