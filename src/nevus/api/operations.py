"""Who asks, how the service does, and what diagnoses mean."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from nevus.api.base import Answer


class Me(Answer):
    """The owner of the key that the request carried."""

    name: str
    role: str
    key_id: str | None = None


class ServedModel(Answer):
    """The model that answers."""

    model: str
    version: int | None = None
    bundle_digest: str
    since: datetime | None = None


class Minute(Answer):
    """What all instances of the service did in one minute. Times in milliseconds; None where nothing was asked."""

    minute: datetime
    instances: int
    ready: int
    requests: int
    refused: int
    failed: int
    median_ms: float | None = None
    p99_ms: float | None = None


class Today(Answer):
    """Counts since midnight UTC."""

    predictions: int
    by_verdict: dict[str, int]
    by_diagnosis: dict[str, int]
    labelled: int


class Overview(Answer):
    """How the service does. A minute that is missing from `uptime` was one without any instance."""

    now: datetime
    model: ServedModel | None = None
    ready: bool
    uptime: list[Minute]
    today: Today
    queue_depth: int = 0


class DiagnosisMeaning(Answer):
    """What a diagnosis is, for those who read an answer. Decision support, not advice to a patient."""

    code: str
    name: str
    malignant: bool
    risk: str
    meaning: str
    recommendation: str


class Diagnoses(Answer):
    """All that nevus knows."""

    diagnoses: list[DiagnosisMeaning]


class Health(Answer):
    """The process is alive."""

    status: str


class Ready(Answer):
    """A bundle's self-test has passed, and requests may be sent.

    problems: in sentences, what should answer by the registry and doesn't in this process, or answers beside it.
    """

    status: str
    model: str
    version: int | None = None
    bundle_digest: str
    problems: list[str] = Field(default_factory=list)


class LoadedModel(Answer):
    """A model in memory."""

    model: str
    version: int | None = None
    bundle_digest: str


class VersionAnswer(Answer):
    """What runs."""

    nevus: str
    revision: str | None = None
    models: list[LoadedModel] = Field(default_factory=list)
