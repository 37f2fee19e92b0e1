"""Everything that the report and the card are made from: given, never computed or guessed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nevus.bundle.schema import BundleManifest
from nevus.evaluation.gate import GateVerdict
from nevus.evaluation.results import EvaluationResults
from nevus.evaluation.subset_scores import OperatingPointResult, Scores


@dataclass(frozen=True)
class LeakageProof:
    """That no lesion or patient stands on both sides of the split, and what a careless split would have done.

    Attributes:
        shared_groups, shared_lesions, shared_patients: how many stand in more than one part; 0 is the proof, None
            means that the data have no such ids.
        random_test_images: size of the test part of a random split by image, the counter-example.
        random_leaked: share of its test images whose lesion (or patient) would have been trained on too.
        random_leaked_malignant: the same share of its malignant test images.
    """

    shared_groups: int | None = None
    shared_lesions: int | None = None
    shared_patients: int | None = None
    random_test_images: int | None = None
    random_leaked: float | None = None
    random_leaked_malignant: float | None = None


@dataclass(frozen=True)
class DataFacts:
    """What the data are.

    Attributes:
        images: part (train, validation, test) -> class -> number of images.
        groups: part -> number of groups (patient, else lesion, with confirmed duplicates merged).
        rejected: reason -> number of rows that were left out; None where nobody counted.
        duplicates_merged: pairs of images of two groups (patient, else lesion) that were confirmed as duplicates and so
            made their groups one; None where none were looked for.
        duplicates_searched: which kinds were looked for, of `published`, `exact` and `near`.
        leakage: None where it wasn't measured.
    """

    images: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    groups: Mapping[str, int] = field(default_factory=dict)
    rejected: Mapping[str, int] | None = None
    duplicates_merged: int | None = None
    duplicates_searched: Sequence[str] = ()
    leakage: LeakageProof | None = None


@dataclass(frozen=True)
class Case:
    """One test image, what the model said of it, and where its evidence lies.

    Attributes:
        pixels: uint8 [H, W, 3], framed as the model saw it, at any resolution.
        evidence: [h, w], not negative: the class-activation map of the malignant log-odds.
        truth, prediction: codes of classes.
        probabilities: class -> 0..1.
        p_malignant: 0..1.
        verdict: that of the bundle.
    """

    image_id: str
    pixels: NDArray[np.uint8] = field(repr=False)
    evidence: NDArray[np.floating[Any]] | None = field(repr=False)
    truth: str
    prediction: str
    probabilities: Mapping[str, float]
    p_malignant: float
    verdict: str

    @property
    def right(self) -> bool:
        """Whether the most probable class is the true one."""
        return self.truth == self.prediction


@dataclass(frozen=True)
class RunRecord:
    """How the model came about, beyond what bundle and results know.

    Attributes:
        command: what was typed.
        settings: the settings' text (YAML).
        bundle_digest: identity of the bundle (hex).
        run: the tracker's name or number of the run.
        machine: what it ran on, in words.
        seconds: step -> wall time.
    """

    command: str | None = None
    settings: str | None = None
    bundle_digest: str | None = None
    run: str | None = None
    machine: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ReportContext:
    """What `write_report` and `write_card` show.

    Attributes:
        manifest: `bundle.json`.
        results: `metrics.json`.
        gate: None where the gate hasn't judged.
        history: one entry an epoch: epoch, phase, learning_rate, train_loss, validation_*.
        best_epoch: the epoch (as `history` counts) whose weights were kept.
        data: what the data are.
        cases: right and wrong ones, in the order they should be shown.
        case_rule: how the cases were picked, in one sentence.
        test_openings: how often the test part was opened, this time included; by default what `results` say.
        licences, attributions: lines to print; by default those of the manifest's data.
        record: provenance.
    """

    manifest: BundleManifest
    results: EvaluationResults
    gate: GateVerdict | None = None
    history: Sequence[Mapping[str, float | int | str | None]] = ()
    best_epoch: int | None = None
    data: DataFacts = field(default_factory=DataFacts)
    cases: Sequence[Case] = ()
    case_rule: str | None = None
    test_openings: int | None = None
    licences: Sequence[str] = ()
    attributions: Sequence[str] = ()
    record: RunRecord = field(default_factory=RunRecord)

    @property
    def openings(self) -> int | None:
        """How often the test part was opened; None where nobody counted."""
        return self.test_openings if self.test_openings is not None else self.results.test_openings

    @property
    def licence_lines(self) -> tuple[str, ...]:
        """The licences of the data, each once."""
        return tuple(dict.fromkeys(self.licences or self.manifest.data.licences or (self.manifest.licence,)))

    @property
    def attribution_lines(self) -> tuple[str, ...]:
        """Whom the data are owed to, each once."""
        return tuple(dict.fromkeys(self.attributions or self.manifest.data.attributions))

    def scores(self, subset: str) -> Scores | None:
        """The scores of a subset, or None where it wasn't evaluated."""
        return self.results.subsets.get(subset)

    def default_point(self, scores: Scores | None) -> OperatingPointResult | None:
        """What the operating point that verdicts use does on a subset."""
        if scores is None or not scores.operating_points:
            return None
        name = self.results.default_operating_point
        return scores.operating_points[0] if name is None else scores.at(name)
