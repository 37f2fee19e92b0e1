"""The client has a method for every route of the API, and an argument for everything that a route may be asked."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import pytest

from nevus.client import SERVED, Client, ClientError
from nevus.serving import ServingSettings, create_app
from nevus.store import StoreSettings, open_store

MOMENT = datetime(2026, 11, 21, tzinfo=UTC)
KNOWN = {"age": 1, "sex": "female", "site": "back", "patient": "P", "lesion": "L", "model": "m", "explain": True}
FOUND = {"ids": ["i"], "request_id": "r", "day": date(2026, 11, 21), "start": MOMENT, "end": MOMENT, "model": "m"}
FOUND |= {"version": 1, "bundle_digest": "d", "verdict": "refer", "p_malignant_min": 0.0, "p_malignant_max": 1.0}
FOUND |= {"labelled": True, "arm": "champion", "patient": "P", "lesion": "L", "page": 5}
FIRST = {key: value for key, value in KNOWN.items() if key not in ("patient", "lesion")}

CALLS: dict[str, list[Callable[[Client], Any]]] = {
    "predict": [lambda c: c.predict(b"x", **FIRST), lambda c: c.predict(b"x", **KNOWN)],
    "predict_batch": [lambda c: c.predict_batch([b"x"], model="m")],
    "prediction": [lambda c: c.prediction("p", explain=True)],
    "predictions": [lambda c: next(c.predictions(**FOUND)), lambda c: list(c.predictions())],
    "image": [lambda c: c.image("p")],
    "evidence": [lambda c: c.evidence("p", opacity=0.5)],
    "similar": [lambda c: c.similar("p", limit=3)],
    "worklist": [lambda c: c.worklist(limit=3, cursor="c")],
    "label": [lambda c: c.label("mel", prediction_id="p")],
    "label_bulk": [lambda c: c.label_bulk(b"x")],
    "labels": [lambda c: c.labels(image_hash="h", prediction_id="p")],
    "samples": [lambda c: c.samples([b"x"], b"x")],
    "samples_archive": [lambda c: c.samples_archive(b"x")],
    "sample_batches": [lambda c: c.sample_batches(limit=3, before="b")],
    "models": [lambda c: c.models()],
    **{
        name: [lambda c, name=name: getattr(c, name)(SERVED), lambda c, name=name: getattr(c, name)("m", 1)]
        for name in ("model", "card", "metrics", "manifest", "profile")
    },
    "approve": [lambda c: c.approve("m", 1, "n", override="o")],
    **{
        name: [lambda c, name=name: getattr(c, name)("m", 1)]
        for name in ("promote", "challenge", "retire", "load", "unload")
    },
    "rollback": [lambda c: c.rollback("m", note="n")],
    "rollout": [lambda c: c.rollout()],
    "set_rollout": [lambda c: c.set_rollout("m", shadow=True)],
    "comparison": [lambda c: c.comparison(start=MOMENT, end=MOMENT)],
    "me": [lambda c: c.me()],
    "overview": [lambda c: c.overview(hours=1)],
    "diagnoses": [lambda c: c.diagnoses()],
    "health": [lambda c: c.health()],
    "ready": [lambda c: c.ready()],
    "version": [lambda c: c.version()],
    "measures": [lambda c: c.measures()],
}
ELSEWHERE = re.compile("/v2(/|$)")
"""The Open Inference Protocol has clients of its own."""
OTHERWISE = {
    ("GET", "/v1/predictions"): {"cursor"},  # asked while the pages are consumed
    ("POST", "/v1/predictions"): {"patient", "lesion"},  # said in a form: proxies log addresses
}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("home")
    with open_store(StoreSettings(home=home)) as store:
        found: dict[str, Any] = create_app(store, home, ServingSettings()).openapi()
    return found


@pytest.fixture(scope="module")
def asked() -> dict[tuple[str, str], set[str]]:
    """(method, path) that the client asked for -> the names in its queries."""
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)

    def note(request: httpx2.Request) -> httpx2.Response:
        seen[request.method, request.url.path] |= set(request.url.params.keys())
        return httpx2.Response(418)

    client = Client("http://nevus.test", transport=httpx2.MockTransport(note))
    for call in (one for calls in CALLS.values() for one in calls):
        with suppress(ClientError):
            call(client)
    return seen


def operations(document: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    """(method, path template) -> the names that its query may have, of all routes that the client is for."""
    return {
        (method.upper(), path): {one["name"] for one in told.get("parameters", []) if one["in"] == "query"}
        for path, methods in document["paths"].items()
        for method, told in methods.items()
        if not ELSEWHERE.match(path)
    }


def template_of(method: str, path: str, known: dict[tuple[str, str], set[str]]) -> tuple[str, str] | None:
    if (method, path) in known:
        return method, path
    fits = [one for one in known if one[0] == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one[1]), path)]
    return fits[0] if fits else None


def test_every_public_method_is_called_here() -> None:
    public = {name for name, _ in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_")}
    assert public - {"close"} == set(CALLS)


def test_every_route_has_a_method_and_every_method_a_route(document: dict[str, Any], asked: Any) -> None:
    known = operations(document)
    reached = {template_of(method, path, known) for method, path in asked}
    assert None not in reached
    assert set(known) - reached == set()


def test_every_query_of_a_route_can_be_asked_and_none_that_it_doesnt_know(document: dict[str, Any], asked: Any) -> None:
    known = operations(document)
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    for (method, path), said in asked.items():
        found = template_of(method, path, known)
        assert found is not None
        names[found] |= said
    differing = {route: names[route] ^ wanted for route, wanted in known.items() if names[route] != wanted}
    assert differing == OTHERWISE
