"""What Prometheus reads at /metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SHARES = tuple(round(0.1 * n, 1) for n in range(1, 11))


class Metrics:
    """The measures of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._children: dict[tuple[Any, ...], Any] = {}
        self.requests = Counter("nevus_requests", "Requests answered", ["route", "status"], registry=registry)
        self.seconds = Histogram(
            "nevus_request_seconds",
            "From a request's head to its end",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.stages = Histogram(
            "nevus_stage_seconds", "Stages of judging an image", ["stage"], buckets=_SECONDS, registry=registry
        )
        self.verdicts = Counter("nevus_verdicts", "Verdicts given", ["verdict", "model"], registry=registry)
        self.scores = Histogram(
            "nevus_probability", "Probability by class", ["diagnosis"], buckets=_SHARES, registry=registry
        )
        self.malignant = Histogram(
            "nevus_malignant_probability", "Malignant probability", buckets=_SHARES, registry=registry
        )
        self.rejected = Counter("nevus_rejected_inputs", "Inputs that were refused", ["reason"], registry=registry)
        self.refused_keys = Counter(
            "nevus_refused_keys", "Requests whose key opened nothing, or that had none", ["reason"], registry=registry
        )
        self.queue = Gauge("nevus_queue_depth", "Images computing or waiting", registry=registry)
        self.model = Gauge(
            "nevus_model_info", "1 for each loaded model", ["model", "digest", "role"], registry=registry
        )
        self.broken = Gauge(
            "nevus_model_not_loaded", "1 for each version that should answer and can't", ["model"], registry=registry
        )
        self.shadows = Counter(
            "nevus_shadows", "Images for a shadow: judged, failed, dropped or forgotten", ["outcome"], registry=registry
        )
        self.shadow_backlog = Gauge("nevus_shadow_backlog", "Images waiting for a shadow", registry=registry)

    def judged(self, model: str, row: Mapping[str, object]) -> None:
        """Count an answer, given as its row."""
        self._child(self.verdicts, str(row["verdict"]), model).inc()
        latency = row["latency"]
        if isinstance(latency, dict):
            for stage, ms in latency.items():
                self._child(self.stages, stage).observe(ms / 1e3)
        probabilities = row["probabilities"]
        if isinstance(probabilities, dict):
            for diagnosis, p in probabilities.items():
                self._child(self.scores, diagnosis).observe(p)
        p_malignant = row["p_malignant"]
        if isinstance(p_malignant, float):
            self.malignant.observe(p_malignant)

    def refused(self, reason: str | None, status: int) -> None:
        """Count an input that was refused: by its reason, such as `truncated`, else by its HTTP status."""
        self._child(self.rejected, reason or str(status)).inc()

    def observed(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._child(self.requests, route, str(status)).inc()
        self._child(self.seconds, route).observe(seconds)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)

    def _child(self, measure: Any, *labels: str) -> Any:
        """The measure with these labels, looked up once."""
        key = (measure, *labels)
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = measure.labels(*labels)
        return found
