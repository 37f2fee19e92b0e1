"""Model versions and how requests are shared among them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from nevus.api.base import Answer, Estimate


class ModelVersion(Answer):
    """A version of a model. number, state: None for a bundle that is served from its folder, outside the registry.

    may_answer: somebody has approved it, so that it may be loaded.
    """

    ref: str
    model: str
    number: int | None = None
    state: str | None = None
    may_answer: bool = False
    loaded: bool = False
    serving: bool = False
    bundle_digest: str
    created_at: datetime | None = None
    metrics: dict[str, Any] = Field(default_factory=dict)
    gate: dict[str, Any] | None = None
    gate_passed: bool | None = None
    reasons: list[str] = Field(default_factory=list)
    licence: str | None = None
    commercial_use: bool | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    approval_note: str | None = None
    override_reason: str | None = None


class ModelVersions(Answer):
    """All versions that are known."""

    models: list[ModelVersion]


class Decision(Answer):
    """What somebody decided about a version, or what followed from it.

    decision: `approve`, `promote`, `challenger`, `retire`, `rollback`, `load`, `unload`, or a consequence such as
    `replace` and `restore`. state: the version's, from then on.
    """

    at: datetime
    by: str
    decision: str
    state: str | None = None
    note: str | None = None


class ModelDetail(ModelVersion):
    """One version, with what it was made of, and what was decided about it, the latest last."""

    fingerprints: dict[str, str | None] = Field(default_factory=dict)
    classes: list[str] = Field(default_factory=list)
    malignant: list[str] = Field(default_factory=list)
    task: str | None = None
    history: list[Decision] = Field(default_factory=list)


class ModelChange(Answer):
    """What a decision about a version changed."""

    version: ModelVersion
    replaced: ModelVersion | None = None
    warnings: list[str] = Field(default_factory=list)


class Bin(Answer):
    """A bar of a reference histogram: an interval (its ends None where open), or a level."""

    low: float | None = None
    high: float | None = None
    level: str | None = None
    count: int


class Profile(Answer):
    """The reference histograms of a bundle, by feature."""

    features: dict[str, list[Bin]]


class Rollout(Answer):
    """Who answers: the champion; the challenger to a share of patients; both, one of them in the shadow."""

    model: str | None = None
    champion: str | int | None = None
    challenger: str | int | None = None
    challenger_share: float = 0.0
    shadow: bool = False


class Compared(Answer):
    """A figure of both versions on the same images, and challenger minus champion."""

    champion: float | None = None
    challenger: float | None = None
    difference: Estimate | None = None


class SequentialTest(Answer):
    """A test that may be looked at at any time.

    decision: `continue`, `challenger_better` or `challenger_worse`; explanation: why, in a sentence. strata: malignant
    and benign lesions -> how many patients the one and the other alone was right about, and the e-values.
    """

    statistic: float | None = None
    p_value: float | None = None
    e_value: float | None = None
    alpha: float | None = None
    decision: str
    explanation: str | None = None
    strata: dict[str, dict[str, float]] = Field(default_factory=dict)
    looks_allowed: str = "any"


class Comparison(Answer):
    """Champion and challenger on the images that both have judged, and on their own shares of patients (`arms`)."""

    champion: Any = None
    challenger: Any = None
    pairs: int = 0
    agreement: dict[str, float | None] = Field(default_factory=dict)
    labelled: int = 0
    metrics: dict[str, Compared] = Field(default_factory=dict)
    sequential: SequentialTest | None = None
    arms: dict[str, Any] = Field(default_factory=dict)
