"""A running service over a real store and a real, tiny bundle, with a key of each role and drawn lesions to send."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr
from starlette.testclient import TestClient

from graphs import METADATA, make_tiny_bundle
from nevus.bundle.schema import PredictionSetSpec, RefusalLimits
from nevus.data.synthetic.painting import Sitter, encode, paint
from nevus.data.synthetic.settings import SyntheticSettings
from nevus.notices import NoticeSettings
from nevus.serving import ServingSettings, create_app
from nevus.serving.service import Service
from nevus.store import Store, StoreSettings, open_store
from nevus.store.keys import ROLES, ApiKeys
from nevus.tracking import TrackingSettings

_DRAWN = SyntheticSettings(width=160, height=120, seed=3, difficulty=0.0)
_READY_SECONDS = 30.0


@dataclass(frozen=True)
class Served:
    """A service that answers. `client` sends no key of its own accord: see `headers`."""

    client: TestClient
    app: FastAPI
    store: Store
    home: Path
    bundle: Path | str | None
    keys: Mapping[str, str]

    @property
    def service(self) -> Service:
        service: Service = self.app.state.service
        return service

    def headers(self, role: str = "clinician", **more: str) -> dict[str, str]:
        """The headers of a request with the key of a role."""
        return {"Authorization": f"Bearer {self.keys[role]}", **more}

    def get(self, path: str, role: str = "reader", **options: Any) -> Any:
        return self.client.get(path, headers=self.headers(role) | options.pop("headers", {}), **options)

    def post(self, path: str, role: str = "clinician", **options: Any) -> Any:
        return self.client.post(path, headers=self.headers(role) | options.pop("headers", {}), **options)

    def predict(self, image: bytes, role: str = "clinician", **asked: Any) -> dict[str, Any]:
        """The answer on one image."""
        answered = self.post(
            "/v1/predictions", role, content=image, params=asked, headers={"Content-Type": "image/jpeg"}
        )
        assert answered.status_code == 200, answered.text
        found: dict[str, Any] = answered.json()
        return found


@contextmanager
def serving(
    home: Path,
    bundle: Path | str | None,
    *,
    store_url: str | None = None,
    tracking: TrackingSettings | None = None,
    notices: NoticeSettings | None = None,
    **settings: Any,
) -> Iterator[Served]:
    """Start a service in `home` on `bundle` and wait until it is ready; `settings` are those of `ServingSettings`.

    Without a bundle it is the store's champion that answers. store_url: of another database than the home's.
    """
    limits = {"rate_per_minute": 100_000, "refused_keys_per_minute": 100_000}
    chosen = ServingSettings.model_validate(
        {"bundle": str(bundle) if bundle else None, "threads": 2} | limits | settings
    )
    with open_store(StoreSettings(home=home, url=SecretStr(store_url) if store_url else None)) as store:
        keys = {role: ApiKeys(store).create(f"the {role}", role, by="test")[0] for role in ROLES}
        app = create_app(store, home, chosen, tracking=tracking, notices=notices)
        with TestClient(app, raise_server_exceptions=False) as client:
            served = Served(client, app, store, home, bundle, MappingProxyType(keys))
            _wait(served)
            yield served


def tiny_bundle(folder: Path, **changes: Any) -> Path:
    """A bundle for `serving`: three classes, metadata, prediction sets, and every verdict on what `drawn` gives."""
    usual = {
        "metadata": METADATA,
        "threshold": 0.58,
        "refusal": RefusalLimits(near_threshold=0.05),
        "prediction_set": PredictionSetSpec(coverage=0.9, threshold=0.25),
    }
    return make_tiny_bundle(folder, **{**usual, **changes})


@cache
def drawn(diagnosis: str = "nv", number: int = 0) -> bytes:
    """The JPEG of a drawn lesion, 160 x 120; another number is another lesion, the same one always the same bytes."""
    name = f"{diagnosis}-{number}"
    sitter = Sitter(name, diagnosis, 1.0, 0.1, "clinic_north", (name,))
    ((_, pixels),) = paint(sitter, _DRAWN)
    return encode(pixels, _DRAWN.quality)


def _wait(served: Served) -> None:
    ends = time.monotonic() + _READY_SECONDS
    while (answered := served.client.get("/ready")).status_code != 200:
        assert time.monotonic() < ends, answered.text
        time.sleep(0.02)
