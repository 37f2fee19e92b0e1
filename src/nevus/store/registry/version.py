"""A model version: what is registered, and what the registry gives back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nevus.errors import InputError
from nevus.store.registry.states import State

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,99}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_RESERVED = frozenset(state.value for state in State)


class RegistrationError(InputError):
    """What should be registered is incomplete or contradicts itself."""


def model_name(text: str) -> str:
    """The text, if versions can be counted under it.

    Raises:
        RegistrationError: it is no name, or a word that references read otherwise.
    """
    if not _NAME.fullmatch(text) or text in _RESERVED:
        raise RegistrationError(
            f"{text!r} can't name a model: begin with a letter, then use up to 99 letters, digits, '.', '_' or '-', "
            f"and not the name of a state ({', '.join(sorted(_RESERVED))})."
        )
    return text


@dataclass(frozen=True)
class NewVersion:
    """A bundle that has been through the gate.

    Attributes:
        model: the name that versions are counted under; a letter, then letters, digits, `.`, `_` or `-`.
        bundle_uri: where the bundle lies; an absolute path or an address.
        bundle_digest: SHA-256 (hex) over its SHA256SUMS.
        task: `diagnosis` or `malignancy`.
        classes: in the order of the model's outputs.
        malignant: those of the classes that count as malignant.
        gate: the verdict, line by line, as JSON can hold it.
        gate_passed: whether it passed; decides between candidate and rejected.
        reasons: why not; needed where it did not pass.
        metrics: name -> value or {value, low, high}, the few that a list of models shows.
        operating_threshold: threshold of the default operating point on the malignant probability, 0..1.
        licence: of the data, and so of the model.
        commercial_use: whether that licence allows commercial use.
        fingerprints: content, split and settings.
        run: the run's folder or address.
        tracking_run: the tracker's id of that run.
        predictions_uri: `predictions.parquet` of the run, for comparisons.
    """

    model: str
    bundle_uri: str
    bundle_digest: str
    task: str
    classes: tuple[str, ...]
    malignant: tuple[str, ...]
    gate: Mapping[str, Any]
    gate_passed: bool
    reasons: tuple[str, ...] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict)
    operating_threshold: float | None = None
    licence: str = "unknown"
    commercial_use: bool = False
    fingerprints: Mapping[str, str | None] = field(default_factory=dict)
    run: str | None = None
    tracking_run: str | None = None
    predictions_uri: str | None = None

    def check(self) -> None:
        """Raise `RegistrationError` for what can't be registered."""
        model_name(self.model)
        if not _DIGEST.fullmatch(self.bundle_digest):
            raise RegistrationError(f"bundle digest {self.bundle_digest!r} is not a SHA-256 in hex (64 characters).")
        if self.gate_passed and self.reasons:
            raise RegistrationError(f"the gate passed, yet there are reasons against it: {'; '.join(self.reasons)}.")
        if not self.gate_passed and not self.reasons:
            raise RegistrationError("the gate did not pass, and no reason is given; a rejection must say why.")


@dataclass(frozen=True)
class Approval:
    """Who answers for the version."""

    by: str
    at: datetime
    note: str
    override: str | None
    """Why it was approved although the gate had said no."""


@dataclass(frozen=True)
class ModelVersion:
    """A registered version, as it stood when it was read. Fields as in `NewVersion`."""

    model: str
    number: int
    state: State
    bundle_uri: str
    bundle_digest: str
    task: str
    classes: tuple[str, ...]
    malignant: tuple[str, ...]
    operating_threshold: float | None
    metrics: Mapping[str, Any]
    gate: Mapping[str, Any]
    gate_passed: bool
    reasons: tuple[str, ...]
    licence: str
    commercial_use: bool
    fingerprints: Mapping[str, str | None]
    run: str | None
    tracking_run: str | None
    predictions_uri: str | None
    created_at: datetime
    changed_at: datetime
    approval: Approval | None

    @property
    def ref(self) -> str:
        """`name/number`, as people write it."""
        return f"{self.model}/{self.number}"

    @property
    def may_answer(self) -> bool:
        """Whether somebody has approved it: it may be retired since, but neither a candidate nor rejected."""
        if self.state is State.RETIRED:
            return self.approval is not None
        return self.state in (State.APPROVED, State.CHALLENGER, State.CHAMPION)


@dataclass(frozen=True)
class Change:
    """What a move did: the version after it, the one that made room, and what its owner should know."""

    version: ModelVersion
    replaced: ModelVersion | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Registered:
    """What registering did: the version, whether it is new, and what its owner should know."""

    version: ModelVersion
    created: bool
    warnings: tuple[str, ...] = ()
