"""Loading bundles: each proves itself here before it may answer."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from nevus.bundle import BundleError, Predictor
from nevus.bundle.directory import MANIFEST
from nevus.bundle.usable_cpus import usable_cpus
from nevus.errors import InputError, NevusError
from nevus.imaging import DecodeLimits
from nevus.serving.bundle_source import local_bundle
from nevus.serving.lineup import LoadedModel, renamed
from nevus.serving.settings import ServingSettings
from nevus.store import ModelVersion, Registry, Store
from nevus.store.predictions import remember_bundle

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

RETRY_SECONDS = 30.0
"""After so long, a bundle that couldn't be loaded is tried again: somebody may have put it back."""


class NotLoadableError(InputError):
    """A version's bundle is gone, damaged, or doesn't give its recorded outputs here."""


class Loader:
    """Loads the bundles of versions, and remembers which of them can't be."""

    def __init__(self, store: Store, home: Path, settings: ServingSettings, log: FilteringBoundLogger) -> None:
        self._store, self._home, self._settings, self._log = store, home, settings, log
        self._limits = DecodeLimits(max_pixels=settings.max_pixels)
        self._broken: dict[str, tuple[float, str]] = {}
        """Digest -> when it couldn't be loaded, and which version it is of."""

    @property
    def broken(self) -> tuple[str, ...]:
        """The versions that should answer and couldn't be loaded."""
        return tuple(ref for _, ref in self._broken.values())

    def forget_broken(self, besides: Collection[str]) -> None:
        """Forget what couldn't be loaded and isn't wanted any more; `besides` are the wanted digests."""
        self._broken = {digest: at for digest, at in self._broken.items() if digest in besides}

    def failed_lately(self, version: ModelVersion) -> bool:
        """Whether its bundle couldn't be loaded a moment ago."""
        failed = self._broken.get(version.bundle_digest)
        return failed is not None and time.monotonic() < failed[0] + RETRY_SECONDS

    def load(self, version: ModelVersion, known: Collection[LoadedModel]) -> LoadedModel:
        """The version's bundle; what is loaded already is among `known`.

        Raises:
            NotLoadableError: it is gone, damaged or another one, or fails its self-test.
        """
        found = next((model for model in known if model.digest == version.bundle_digest), None)
        if found is not None:
            return renamed(found, version)
        try:
            loaded = self.fresh(version)
        except (NevusError, OSError) as error:
            self._broken[version.bundle_digest] = (time.monotonic(), version.ref)
            self._log.warning("model_not_loaded", model=version.ref, error=str(error))
            raise NotLoadableError(
                f"{version.ref} can't be loaded here: its bundle is gone, damaged, or fails its self-test. The "
                "service's log says which."
            ) from error
        self._broken.pop(version.bundle_digest, None)
        return loaded

    def fresh(self, version: ModelVersion) -> LoadedModel:
        """The version's bundle, read anew.

        Raises:
            BundleError: it can't be loaded, or is another one.
            SelfTestError: it doesn't give its recorded outputs here.
        """
        predictor = self.open(version.bundle_uri)
        if predictor.digest != version.bundle_digest:
            raise BundleError(
                f"{version.bundle_uri} holds another bundle ({predictor.digest[:12]}) than {version.ref} "
                f"({version.bundle_digest[:12]})."
            )
        return self._remembered(LoadedModel(predictor, version.model, version.number))

    def open(self, uri: str) -> Predictor:
        """The bundle at an address.

        Raises:
            BundleError: it can't be loaded; SelfTestError: it doesn't give its recorded outputs here.
        """
        # As many as call it at once: OpenVINO computes no more streams than it was compiled for.
        threads = self._settings.threads or usable_cpus()
        return Predictor(local_bundle(uri, self._home), threads=threads, limits=self._limits)

    def named(self, predictor: Predictor) -> LoadedModel:
        """A bundle under its name in the registry, where it has one, and remembered in the store."""
        known = [v for v in Registry(self._store).versions() if v.bundle_digest == predictor.digest]
        name, number = (known[0].model, known[0].number) if known else (predictor.manifest.name, None)
        return self._remembered(LoadedModel(predictor, name, number))

    def _remembered(self, model: LoadedModel) -> LoadedModel:
        with self._store.append(survive_power_loss=True) as connection:
            remember_bundle(connection, model.digest, (model.predictor.path / MANIFEST).read_text("utf-8"))
        return model
