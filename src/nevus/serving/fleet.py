"""The loaded bundles: which version answers, and the change from one to the next without a pause.

A request holds the model that it began with, and finishes on it: a replaced bundle is let go when the last request that
uses it has ended, since nothing else refers to it then. What is loaded answers from memory, whatever happens to its
files.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nevus.errors import NevusError
from nevus.serving.lineup import Lineup, LoadedModel, renamed
from nevus.serving.loader import Loader, NotLoadableError
from nevus.serving.settings import ServingSettings
from nevus.store import Change, ModelVersion, Registry, State, Store
from nevus.store.predictions import first_served
from nevus.store.rollout import (
    Rollout,
    further_versions,
    get_rollout,
    keep_loaded,
    let_go,
    require_approved,
)

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


class NoModelError(NevusError):
    """There is nothing to serve."""


@dataclass(frozen=True)
class Wanted:
    """What the store says who should answer."""

    champion: ModelVersion | None = None
    challenger: ModelVersion | None = None
    rollout: Rollout | None = None
    further: tuple[ModelVersion, ...] = ()


class Fleet:
    """Follows the store: loads a new champion beside the old one, lets it prove itself, then swaps."""

    def __init__(self, store: Store, home: Path, settings: ServingSettings, log: FilteringBoundLogger) -> None:
        self._store, self._settings, self._log = store, settings, log
        self._loader = Loader(store, home, settings, log)
        self._registry = Registry(store)
        self._changing = threading.Lock()
        self._lineup = Lineup()
        self._holds: str | None = None
        """With a bundle named: digest of the champion at the start ("" for none); the bundle answers until there is
        another one."""
        self._proven: dict[str, LoadedModel] = {}
        """What has just been loaded for a change that is being made."""
        self._problems: tuple[str, ...] = ()

    @property
    def lineup(self) -> Lineup:
        """Who answers now."""
        return self._lineup

    @property
    def ready(self) -> bool:
        """Whether a champion has passed its self-test."""
        return self._lineup.champion is not None

    @property
    def problems(self) -> tuple[str, ...]:
        """Where who answers is not who should; without paths, for everybody to read."""
        return self._problems

    @property
    def broken(self) -> tuple[str, ...]:
        """The versions that should answer and couldn't be loaded."""
        return self._loader.broken

    def start(self) -> None:
        """Load what is to be served.

        Raises:
            NoModelError: no bundle is named and the store has no champion, or those of several models.
            BundleError: it can't be loaded; SelfTestError: it doesn't give its recorded outputs here.
        """
        with self._changing:
            if self._settings.bundle:
                first = self._named(self._settings.bundle)
            else:
                champion = self._wanted(None).champion
                if champion is None:
                    raise NoModelError(
                        "there is no model to serve: the store has no champion. Name a bundle (serving.bundle), or "
                        "promote an approved version: `nevus models approve`, then `nevus models promote`."
                    )
                first = self._loader.fresh(champion)
            self._problems = ()
            try:
                self._proven[first.digest] = first
                # Nobody sees a bundle that was outvoted; the champion waits for no challenger.
                self._lineup = Lineup(champion=self._champion(first, self._wanted(first)))
            finally:
                self._proven.clear()
        self.follow()

    def follow(self) -> None:
        """Bring the lineup to what the store says; what can't be loaded is told, and the old goes on answering."""
        with self._changing:
            self._follow()

    def decide(self, move: Callable[[], Change], *, proving: ModelVersion | None = None) -> Change:
        """Make a move in the store and follow it, with no other change of this process between.

        Args:
            move: changes the store.
            proving: the version that is to answer then: it's loaded first, so that what can't answer here doesn't
                become champion or challenger.

        Raises:
            NotLoadableError: `proving` can't be loaded; nothing was changed.
        """
        with self._changing:
            try:
                if proving is not None:
                    self._proven[proving.bundle_digest] = self._loaded(proving)
                change = move()
                try:
                    self._follow()
                except Exception as error:  # the change stands; the next look at the store follows it
                    self._log.warning("store_not_followed", error=str(error))
                    self._problems += ("this server will follow the last change within seconds.",)
            finally:
                self._proven.clear()
            return change

    def load(self, version: ModelVersion, *, by: str | None = None) -> None:
        """Load a further version, for requests that name it; the store's other servers do so too, and after a restart.

        Raises:
            NotLoadableError: it can't be loaded.
            FurtherVersionError: nobody has approved it, or so many are loaded already.
        """
        require_approved(version)
        with self._changing:
            answering = [model.digest for model in (self._lineup.champion, self._lineup.challenger) if model]
            if version.bundle_digest in answering:
                return
            most = self._settings.max_loaded - len(set(answering))
            try:
                self._proven[version.bundle_digest] = self._loaded(version)
                keep_loaded(self._store, version.ref, most=most, answering=answering, by=by)
                self._follow()
            finally:
                self._proven.clear()

    def unload(self, version: ModelVersion, *, by: str | None = None) -> None:
        """Let a further version go, in the store's other servers too; requests that use it finish.

        Raises:
            FurtherVersionError: it isn't among those that are to be loaded; champion and challenger stay.
        """
        let_go(self._store, version.ref, by=by)
        self.follow()

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

    def _named(self, uri: str) -> LoadedModel:
        """Load a bundle that was named; it holds its place unless the champion was decided on after it had served."""
        predictor = self._loader.open(uri)
        served_before = first_served(self._store, predictor.digest)
        named = self._loader.named(predictor)
        champion = self._wanted(named).champion
        if champion is None or served_before is None or champion.changed_at < served_before:
            self._holds = champion.bundle_digest if champion else ""
        elif champion.bundle_digest != predictor.digest:
            self._log.warning("bundle_not_served", bundle=predictor.digest[:12], champion=champion.ref)
        return named

    def _follow(self) -> None:
        before = self._lineup
        wanted = self._wanted(before.champion)
        self._problems = ()
        lineup = self._lined_up(before.champion, wanted)
        self._loader.forget_broken(besides=_digests(wanted))
        if lineup != before:
            self._lineup = lineup
            self._log.info("models_changed", before=before.told(), now=lineup.told())

    def _wanted(self, now: LoadedModel | None) -> Wanted:
        further = tuple(further_versions(self._store))
        champions = self._registry.versions(self._settings.model, State.CHAMPION)
        chosen = [v for v in champions if len(champions) == 1 or (now is not None and v.model == now.name)]
        if not chosen:
            if len(champions) > 1 and not self._settings.bundle:
                names = ", ".join(version.model for version in champions)
                raise NoModelError(f"the store has champions of several models ({names}); name one (serving.model).")
            return Wanted(further=further)
        champion = chosen[0]
        challengers = self._registry.versions(champion.model, State.CHALLENGER)
        challenger = challengers[0] if challengers else None
        return Wanted(champion, challenger, get_rollout(self._store, champion.model), further)

    def _lined_up(self, now: LoadedModel | None, wanted: Wanted) -> Lineup:
        champion = self._champion(now, wanted)
        challenger, share, shadow = None, 0.0, False
        if wanted.champion is not None and champion is not None and champion.digest == wanted.champion.bundle_digest:
            challenger = self._try(wanted.challenger) if wanted.challenger else None
            if wanted.challenger and challenger is None:
                self._problems += (f"{wanted.challenger.ref} is challenger and can't be loaded here.",)
            if challenger is not None and wanted.rollout is not None:
                share, shadow = wanted.rollout.challenger_share, wanted.rollout.shadow
        used = {model.digest for model in (champion, challenger) if model is not None}
        others = tuple(self._further(version) for version in wanted.further if version.bundle_digest not in used)
        return Lineup(champion, challenger, tuple(filter(None, others)), share, shadow)

    def _champion(self, now: LoadedModel | None, wanted: Wanted) -> LoadedModel | None:
        """Who is to answer where `now` does; what can't be loaded leaves it at that."""
        champion = now
        if wanted.champion is None:
            if now is not None and now.version is not None and not self._settings.bundle:
                self._problems += (f"the store has no champion any more; {now.ref} goes on answering.",)
            return now
        if wanted.champion.bundle_digest == self._holds:
            if now is not None and now.digest != self._holds:
                self._problems += (
                    f"{wanted.champion.ref} is the store's champion, but {now.ref} answers: this server was "
                    "started with its bundle. A promotion or rollback ends that.",
                )
        else:
            found = self._try(wanted.champion)
            if found is None:
                still = f"{now.ref} goes on answering" if now else "nothing answers"
                self._problems += (f"{wanted.champion.ref} is champion and can't be loaded here; {still}.",)
            else:
                champion, self._holds = found, None
        if champion is not None and champion.digest == wanted.champion.bundle_digest:
            return renamed(champion, wanted.champion)
        return champion

    def _further(self, version: ModelVersion) -> LoadedModel | None:
        found = self._try(version)
        if found is None:
            self._problems += (f"{version.ref} is to be loaded for requests that name it, and can't be here.",)
        return found

    def _try(self, version: ModelVersion) -> LoadedModel | None:
        if version.bundle_digest not in self._proven and self._loader.failed_lately(version):
            return None
        try:
            return self._loaded(version)
        except NotLoadableError:
            return None

    def _loaded(self, version: ModelVersion) -> LoadedModel:
        return self._loader.load(version, (*self._proven.values(), *self._lineup.all))


def _digests(wanted: Wanted) -> set[str]:
    named = (wanted.champion, wanted.challenger, *wanted.further)
    return {version.bundle_digest for version in named if version is not None}
