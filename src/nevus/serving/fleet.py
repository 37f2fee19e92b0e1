"""The loaded bundles: which version answers, and the change from one to the next without a pause."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nevus.bundle import BundleError, Predictor
from nevus.bundle.directory import MANIFEST
from nevus.errors import NevusError
from nevus.imaging import DecodeLimits
from nevus.serving.settings import ServingSettings
from nevus.store import ModelVersion, Registry, State, Store
from nevus.store.predictions import remember_bundle


class NoModelError(NevusError):
    """There is nothing to serve."""


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


class Fleet:
    """Follows the store: loads a new champion beside the old one, lets it prove itself, then swaps."""

    def __init__(self, store: Store, settings: ServingSettings, tell: Callable[..., None]) -> None:
        self._store, self._settings, self._tell = store, settings, tell
        self._limits = DecodeLimits(max_pixels=settings.max_pixels)
        self._registry = Registry(store)
        self._changing = threading.Lock()
        self._lineup = Lineup()
        self._first_champion: str | None = None
        """Digest of the champion that the store had at the start: with a bundle named, only another one counts."""
        self._broken: dict[str, str] = {}
        """Digest -> why it couldn't be loaded, so that it isn't tried every two seconds."""

    @property
    def lineup(self) -> Lineup:
        """Who answers now."""
        return self._lineup

    @property
    def ready(self) -> bool:
        """Whether a champion has passed its self-test."""
        return self._lineup.champion is not None

    def start(self) -> None:
        """Load what is to be served.

        Raises:
            NoModelError: no bundle is named and the store has no champion.
            BundleError: it can't be loaded; SelfTestError: it doesn't give its recorded outputs here.
        """
        with self._changing:
            champion = self._champion()
            self._first_champion = champion.bundle_digest if champion else None
            if self._settings.bundle:
                loaded = self._load_folder(self._settings.bundle)
            elif champion is not None:
                loaded = self._load(champion)
            else:
                raise NoModelError(
                    "there is no model to serve: the store has no champion. Name a bundle by --bundle DIR, or promote "
                    "an approved version: `nevus models approve`, then `nevus models promote`."
                )
            self._lineup = Lineup(champion=loaded)
        self.follow()

    def follow(self) -> None:
        """Bring the lineup to what the store says; what can't be loaded is told, and the old stays."""
        with self._changing:
            champion = self._champion()
            now = self._lineup.champion
            moved = champion is not None and not (
                self._settings.bundle and champion.bundle_digest == self._first_champion
            )
            if champion is not None and moved and (now is None or now.digest != champion.bundle_digest):
                loaded = self._try(champion)
                if loaded is not None:
                    self._first_champion = None
                    self._tell("model_changed", model=loaded.ref, before=now.ref if now else None)
                    self._lineup = Lineup(champion=loaded)

    def find(self, ref: str) -> LoadedModel | None:
        """The loaded model that a reference means: `name/3`, `3`, `champion`, `challenger` or a digest's beginning."""
        lineup = self._lineup
        if ref in ("champion", "challenger"):
            return lineup.champion if ref == "champion" else lineup.challenger
        for model in lineup.all:
            if ref in (model.ref, str(model.version)) or (len(ref) >= 6 and model.digest.startswith(ref)):
                return model
        return None

    def close(self) -> None:
        """Let go of the bundles."""
        for model in self._lineup.all:
            model.predictor.close()

    def _champion(self) -> ModelVersion | None:
        versions = self._registry.versions(self._settings.model, State.CHAMPION)
        if len(versions) > 1:
            names = ", ".join(version.model for version in versions)
            raise NoModelError(f"the store has champions of several models ({names}); name one by --model.")
        return versions[0] if versions else None

    def _try(self, version: ModelVersion) -> LoadedModel | None:
        if version.bundle_digest in self._broken:
            return None
        try:
            return self._load(version)
        except (NevusError, OSError) as error:
            self._broken[version.bundle_digest] = str(error)
            self._tell("model_not_loaded", model=f"{version.model}/{version.number}", error=str(error))
            return None

    def _load(self, version: ModelVersion) -> LoadedModel:
        predictor = Predictor(Path(version.bundle_uri), threads=1, limits=self._limits)
        if predictor.digest != version.bundle_digest:
            raise BundleError(
                f"{version.bundle_uri} holds another bundle ({predictor.digest[:12]}) than {version.model}/"
                f"{version.number} ({version.bundle_digest[:12]})."
            )
        return self._remembered(LoadedModel(predictor, version.model, version.number))

    def _load_folder(self, folder: str) -> LoadedModel:
        predictor = Predictor(Path(folder), threads=1, limits=self._limits)
        known = [v for v in self._registry.versions() if v.bundle_digest == predictor.digest]
        if known:
            return self._remembered(LoadedModel(predictor, known[0].model, known[0].number))
        return self._remembered(LoadedModel(predictor, predictor.manifest.name, None))

    def _remembered(self, model: LoadedModel) -> LoadedModel:
        with self._store.append(survive_power_loss=True) as connection:
            remember_bundle(connection, model.digest, (model.predictor.path / MANIFEST).read_text("utf-8"))
        return model
