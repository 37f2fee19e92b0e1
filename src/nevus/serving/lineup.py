"""Who answers at one moment: loaded bundles and their parts."""

from __future__ import annotations

from dataclasses import dataclass

from nevus.bundle import Predictor
from nevus.store import ModelVersion


@dataclass(frozen=True)
class LoadedModel:
    """A bundle that has passed its self-test here and may answer.

    version: its number in the registry, None for a bundle that is in none.
    """

    predictor: Predictor
    name: str
    version: int | None

    @property
    def digest(self) -> str:
        """Of the bundle."""
        return self.predictor.digest

    @property
    def ref(self) -> str:
        """As people name it: `name/3`, or the beginning of its digest where it has no number."""
        return f"{self.name}/{self.version}" if self.version is not None else f"{self.name}@{self.digest[:12]}"


@dataclass(frozen=True)
class Lineup:
    """Who answers. An immutable whole, so that a request sees one moment of it."""

    champion: LoadedModel | None = None
    challenger: LoadedModel | None = None
    others: tuple[LoadedModel, ...] = ()
    challenger_share: float = 0.0
    shadow: bool = False

    @property
    def all(self) -> tuple[LoadedModel, ...]:
        """Each loaded model once."""
        named = (self.champion, self.challenger, *self.others)
        return tuple({model.digest: model for model in named if model is not None}.values())

    def told(self) -> dict[str, object]:
        """For the log."""
        return {
            "champion": self.champion.ref if self.champion else None,
            "challenger": self.challenger.ref if self.challenger else None,
            "others": [model.ref for model in self.others],
            "challenger_share": self.challenger_share,
            "shadow": self.shadow,
        }


def renamed(model: LoadedModel, version: ModelVersion) -> LoadedModel:
    """The same bundle under the name that it has in the registry."""
    if (model.name, model.version) == (version.model, version.number):
        return model
    return LoadedModel(model.predictor, version.model, version.number)
