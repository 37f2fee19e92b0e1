"""The client of the HTTP API."""

from __future__ import annotations

from nevus.api import Diagnoses, Health, Me, Overview, Ready, VersionAnswer
from nevus.client.labels import LabelCalls
from nevus.client.models import ModelCalls
from nevus.client.predictions import PredictionCalls


class Client(PredictionCalls, LabelCalls, ModelCalls):
    """A method for each route of the service at `base_url`. It may be shared by threads.

    Example:
        with Client("http://127.0.0.1:8000", key="nevus_…") as nevus:
            answer = nevus.predict("lesion.jpg", age=61)
            print(answer.verdict, answer.probabilities)
    """

    def me(self) -> Me:
        """The owner of the key, and the role."""
        return self._answer(Me, "GET", "/v1/me")

    def overview(self, *, hours: int = 24) -> Overview:
        """How the service does: model, minutes of the last hours, counts of today."""
        return self._answer(Overview, "GET", "/v1/overview", params={"hours": hours})

    def diagnoses(self) -> Diagnoses:
        """What each diagnosis means."""
        return self._answer(Diagnoses, "GET", "/v1/diagnoses")

    def health(self) -> Health:
        """Whether the process is alive."""
        return self._answer(Health, "GET", "/health")

    def ready(self) -> Ready:
        """Which model answers.

        Raises:
            ClientError: 503, none yet.
        """
        return self._answer(Ready, "GET", "/ready")

    def version(self) -> VersionAnswer:
        """What runs."""
        return self._answer(VersionAnswer, "GET", "/version")

    def measures(self) -> str:
        """What Prometheus reads."""
        return self._send("GET", "/metrics").text
