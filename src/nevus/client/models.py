"""Model versions, who approves them, and how requests are shared among them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from nevus.api import Comparison, ModelChange, ModelDetail, ModelVersions, Profile, Rollout
from nevus.client.calling import Caller, said

SERVED = "served"
"""In place of a model's name, without a number: the champion that answers now."""


class ModelCalls(Caller):
    """The routes about models and rollout. A version is named by its model and its number."""

    def models(self) -> ModelVersions:
        """All versions that the service knows."""
        return self._answer(ModelVersions, "GET", "/v1/models")

    def model(self, model: str = SERVED, number: int | None = None) -> ModelDetail:
        """One version, with what it was made of."""
        return self._answer(ModelDetail, "GET", _path(model, number))

    def card(self, model: str = SERVED, number: int | None = None) -> str:
        """Its model card, as Markdown."""
        return self._send("GET", _path(model, number, "card")).text

    def metrics(self, model: str = SERVED, number: int | None = None) -> dict[str, Any]:
        """Its `metrics.json`: figures with intervals, by subset."""
        found: dict[str, Any] = self._send("GET", _path(model, number, "metrics")).json()
        return found

    def manifest(self, model: str = SERVED, number: int | None = None) -> dict[str, Any]:
        """Its `bundle.json`: classes, operating points, refusal limits, data and licence."""
        found: dict[str, Any] = self._send("GET", _path(model, number, "manifest")).json()
        return found

    def profile(self, model: str = SERVED, number: int | None = None) -> Profile:
        """The reference histograms of its data."""
        return self._answer(Profile, "GET", _path(model, number, "profile"))

    def approve(self, model: str, number: int, note: str, *, override: str | None = None) -> ModelChange:
        """Approve a version. override: why, where the gate said no."""
        return self._decide(model, number, "approve", note=note, override=override)

    def promote(self, model: str, number: int, *, note: str | None = None) -> ModelChange:
        """Let an approved version answer from now on."""
        return self._decide(model, number, "promote", note=note)

    def challenge(self, model: str, number: int, *, note: str | None = None) -> ModelChange:
        """Make an approved version the challenger."""
        return self._decide(model, number, "challenge", note=note)

    def retire(self, model: str, number: int, *, note: str | None = None) -> ModelChange:
        """Take a version out of use."""
        return self._decide(model, number, "retire", note=note)

    def rollback(self, model: str, *, note: str | None = None) -> ModelChange:
        """Let the champion before this one answer again."""
        return self._decide(model, None, "rollback", note=note)

    def load(self, model: str, number: int) -> ModelDetail:
        """Load a further version that somebody has approved, for predictions that name it."""
        return self._answer(ModelDetail, "POST", _path(model, number, "load"))

    def unload(self, model: str, number: int) -> ModelDetail:
        """Free the memory of a further version."""
        return self._answer(ModelDetail, "POST", _path(model, number, "unload"))

    def rollout(self) -> Rollout:
        """How requests are shared now."""
        return self._answer(Rollout, "GET", "/v1/rollout")

    def set_rollout(
        self,
        model: str | None = None,
        *,
        champion: int | str | None = None,
        challenger: int | str | None = None,
        challenger_share: float | None = None,
        shadow: bool | None = None,
    ) -> Rollout:
        """Share requests anew; what is left out stays.

        Args:
            model: name; by default the one that answers.
            champion: the version that is meant; `promote` decides who it is.
            challenger: the version that is meant; `challenge` decides who it is.
            challenger_share: 0..1 of patients whom the challenger answers.
            shadow: whether the challenger's answers on the others' images are stored, not returned.

        Raises:
            ClientError: 409 where another version is champion or challenger than is meant, or there is none.
        """
        wanted = {
            "model": model,
            "champion": champion,
            "challenger": challenger,
            "challenger_share": challenger_share,
            "shadow": shadow,
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        return self._answer(Rollout, "PUT", "/v1/rollout", json=given)

    def comparison(self, *, start: datetime | None = None, end: datetime | None = None) -> Comparison:
        """Champion against challenger, on what both have judged."""
        return self._answer(Comparison, "GET", "/v1/rollout/comparison", params={"from": start, "to": end})

    def _decide(self, model: str, number: int | None, decision: str, **why: str | None) -> ModelChange:
        return self._answer(ModelChange, "POST", _path(model, number, decision), json=said(why))


def _path(model: str, number: int | None, *rest: str) -> str:
    parts = [quote(model, safe=""), *([] if number is None else [str(number)]), *rest]
    return "/v1/models/" + "/".join(parts)
