"""`metrics.json`: everything that an evaluation found, as report, card, gate and registry read it.

The way down: `EvaluationResults.subsets["test"]` is a `Scores`; its `metrics["balanced_accuracy"]` is an `Estimate`.
The names in `metrics`, their titles and whether higher is better are in `nevus.evaluation.metrics.METRICS`.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError

from nevus.errors import InputError
from nevus.evaluation.estimate import Estimate
from nevus.evaluation.subset_scores import Scores, Share
from nevus.settings import Section

SCHEMA_VERSION: Final = 1

Task = Literal["diagnosis", "malignancy"]
Status = Literal["ok", "too_small"]

TEST = "test"
"""All images of the test part, one vote an image, refused ones included: the subset that the gate reads."""
TEST_LESION = "test_lesion"
"""The same images, one vote a lesion: the mean of its images' probabilities."""
TEST_HISTOLOGY = "test_histology"
"""Only images whose diagnosis is confirmed by histology; absent where the data don't say."""
TEST_ANSWERED = "test_answered"
"""Without the images that are refused as out of distribution or unusable; absent where none is refused."""
VALIDATION = "validation"
"""Where temperature, thresholds and limits were chosen: flattering by construction, never to be quoted as a result."""


_LIST_OF_NUMBERS = re.compile(r"\[[\s\d.,eE+\-nul]*\]")
"""A list of numbers and nulls: one line each of them, or a curve would be a page."""


class ResultsError(InputError):
    """A file isn't the results of an evaluation, or is of a newer format."""


class Bootstrap(Section):
    """How the intervals were made: percentiles over resamples of whole groups (patient, else lesion)."""

    unit: Literal["group"] = "group"
    replicates: int = Field(default=1000, ge=0)
    seed: int = 0
    level: float = Field(default=0.95, gt=0, lt=1)


class PartSize(Section):
    """How large one part of the split is."""

    n_images: int
    n_groups: int
    n_malignant_groups: int
    classes: dict[str, int] = Field(default_factory=dict)
    """Diagnosis as the manifest names it -> images; empty in bundles of earlier versions."""


class OperatingPoint(Section):
    """A threshold on the malignant probability as it ships: malignant is called where probability >= threshold."""

    name: str
    threshold: Share
    target_sensitivity: Share | None = None
    """Null where somebody stated the threshold instead of fixing it at a sensitivity."""
    sensitivity: Estimate
    specificity: Estimate
    measured_on: str = "validation"


class SubgroupScores(Section):
    """One level of one dimension, say sex = female, on the subset `test`.

    `metrics` holds only what the level is large enough to show: balanced_accuracy (over the classes that occur),
    malignant_auroc, malignant_sensitivity and malignant_specificity at the default operating point. `too_small` says
    that malignant lesions, or benign ones, are too few for sensitivity and AUROC; `reason` says it in words.
    """

    level: str
    n_images: int
    n_groups: int
    n_malignant_groups: int
    n_benign_groups: int
    status: Status
    reason: str | None = None
    metrics: dict[str, Estimate] = Field(default_factory=dict)


class RefusalRates(Section):
    """How often images aren't answered, or not reliably: shares of images; of groups where the name says so."""

    n_images: int
    n_groups: int
    out_of_distribution: Estimate
    groups_out_of_distribution: Estimate
    """Share of groups of which any image is out of distribution."""
    unusable: Estimate
    near_threshold: Estimate
    any: Estimate
    """Out of distribution or unusable. Too close to call is stated apart: it is an answer, with a warning."""


class Refusals(Section):
    """Refusal on the test part, at the limits that ship."""

    ood_limit: float | None
    overall: RefusalRates
    malignant: RefusalRates
    by_source: dict[str, RefusalRates] = Field(default_factory=dict)
    by_class: dict[str, RefusalRates] = Field(default_factory=dict)


class Calibration(Section):
    """The temperature that divides the logits, and what it did on the part it was fitted on."""

    temperature: float = Field(gt=0)
    measured_on: str = "validation"
    nll_before: float
    nll_after: float
    ece_before: float
    ece_after: float


class Provenance(Section):
    """What was evaluated, on what, by which code; null where it isn't known."""

    model: str | None = None
    bundle_digest: str | None = None
    content_fingerprint: str | None = None
    split_fingerprint: str | None = None
    settings_fingerprint: str | None = None
    code_revision: str | None = None
    runtime: str | None = None
    evaluated_at: datetime | None = None


class EvaluationResults(Section):
    """The contents of `metrics.json`."""

    schema_version: int = SCHEMA_VERSION
    task: Task
    classes: tuple[str, ...]
    malignant: tuple[str, ...]
    """The classes whose probabilities add up to the malignant probability."""
    primary_metric: str
    bootstrap: Bootstrap
    lesion_vote: Literal["mean_probability"] = "mean_probability"
    operating_points: tuple[OperatingPoint, ...]
    """As shipped, with what they reached where they were chosen; re-checked on each subset under its own name."""
    default_operating_point: str | None = None
    subsets: dict[str, Scores]
    subgroups: dict[str, tuple[SubgroupScores, ...]] = Field(default_factory=dict)
    """Dimension (age_band, sex, site, source, confirmed_by) -> its levels, of the subset `test`."""
    refusals: Refusals | None = None
    calibration: Calibration | None = None
    sizes: dict[str, PartSize] = Field(default_factory=dict)
    """Part of the split (train, validation, test) -> its size."""
    test_openings: int | None = None
    """How often the test part has been opened so far, this time included; null where no audit counted."""
    provenance: Provenance = Provenance()
    seconds: float | None = None
    """What the evaluation took, without running the model."""

    def to_json(self) -> str:
        """The text of `metrics.json`; `EvaluationResults.from_json` reads back the very same figures."""
        text = self.model_dump_json(indent=1)
        return _LIST_OF_NUMBERS.sub(lambda found: re.sub(r"\s+", " ", found.group()), text) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, where: str = "metrics.json") -> EvaluationResults:
        """Parse results.

        Raises:
            ResultsError: not JSON, not of this schema, or written by a newer nevus.
        """
        try:
            version = json.loads(text).get("schema_version", 0)
        except (ValueError, AttributeError) as error:
            raise ResultsError(f"{where} is not a JSON object: {error}") from error
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            raise ResultsError(
                f"{where} has schema_version {version}, and this nevus reads up to {SCHEMA_VERSION}; upgrade nevus."
            )
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise ResultsError(f"{where}: {first['msg']} at {key}; evaluate again to rewrite it.") from error


def write_results(results: EvaluationResults, path: Path) -> None:
    """Write `metrics.json`, atomically."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(results.to_json(), encoding="utf-8")
    partial.replace(path)


def read_results(path: Path) -> EvaluationResults:
    """Read `metrics.json`.

    Raises:
        ResultsError: no such file, or not the results of an evaluation.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ResultsError(f"can't read {path}: {error.strerror}; make it with `nevus evaluate`.") from error
    return EvaluationResults.from_json(text, where=str(path))
