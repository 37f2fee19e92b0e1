"""Every route, asked with the key of every role and with none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from nevus.store.keys import ROLES
from serving_factory import Served

OPEN = "nobody's key"

NEEDED = {
    ("GET", "/openapi.json"): OPEN,
    ("GET", "/docs"): OPEN,
    ("GET", "/docs/static"): OPEN,
    ("GET", "/health"): OPEN,
    ("GET", "/ready"): OPEN,
    ("GET", "/version"): OPEN,
    ("GET", "/metrics"): OPEN,
    ("GET", "/v1/me"): "reader",
    ("GET", "/v1/diagnoses"): "reader",
    ("GET", "/v1/overview"): "reader",
    ("POST", "/v1/predictions"): "clinician",
    ("POST", "/v1/predictions/batch"): "clinician",
    ("GET", "/v1/predictions"): "reader",
    ("GET", "/v1/predictions/{prediction_id}"): "reader",
    ("GET", "/v1/predictions/{prediction_id}/image"): "reader",
    ("GET", "/v1/predictions/{prediction_id}/evidence"): "reader",
    ("GET", "/v1/predictions/{prediction_id}/similar"): "reader",
    ("POST", "/v1/labels"): "clinician",
    ("POST", "/v1/labels/bulk"): "clinician",
    ("GET", "/v1/labels"): "reader",
    ("POST", "/v1/samples"): "clinician",
    ("GET", "/v1/samples/batches"): "reader",
    ("GET", "/v1/worklist"): "reader",
    ("GET", "/v1/models"): "reader",
    ("GET", "/v1/models/served"): "reader",
    ("GET", "/v1/models/served/card"): "reader",
    ("GET", "/v1/models/served/metrics"): "reader",
    ("GET", "/v1/models/served/manifest"): "reader",
    ("GET", "/v1/models/served/profile"): "reader",
    ("GET", "/v1/models/{model}/{number}"): "reader",
    ("GET", "/v1/models/{model}/{number}/card"): "reader",
    ("GET", "/v1/models/{model}/{number}/metrics"): "reader",
    ("GET", "/v1/models/{model}/{number}/manifest"): "reader",
    ("GET", "/v1/models/{model}/{number}/profile"): "reader",
    ("POST", "/v1/models/{model}/{number}/approve"): "admin",
    ("POST", "/v1/models/{model}/{number}/promote"): "admin",
    ("POST", "/v1/models/{model}/{number}/challenge"): "admin",
    ("POST", "/v1/models/{model}/{number}/retire"): "admin",
    ("POST", "/v1/models/{model}/rollback"): "operator",
    ("POST", "/v1/models/{model}/{number}/load"): "operator",
    ("POST", "/v1/models/{model}/{number}/unload"): "operator",
    ("GET", "/v1/rollout"): "reader",
    ("PUT", "/v1/rollout"): "operator",
    ("GET", "/v1/rollout/comparison"): "reader",
    ("GET", "/v2"): OPEN,
    ("GET", "/v2/health/live"): OPEN,
    ("GET", "/v2/health/ready"): OPEN,
    ("GET", "/v2/models/{name}"): "reader",
    ("GET", "/v2/models/{name}/versions/{version}"): "reader",
    ("GET", "/v2/models/{name}/ready"): OPEN,
    ("GET", "/v2/models/{name}/versions/{version}/ready"): OPEN,
    ("POST", "/v2/models/{name}/infer"): "clinician",
    ("POST", "/v2/models/{name}/versions/{version}/infer"): "clinician",
}
"""Route -> the lowest role that may call it."""


def routes_of(holder: Any) -> Iterator[tuple[str, str]]:
    """Every route below an application or a router."""
    for route in holder.routes:
        below = getattr(route, "original_router", None)
        if below is not None:
            yield from routes_of(below)
            continue
        for method in getattr(route, "methods", {"GET"}) - {"HEAD", "OPTIONS"}:  # a folder of files has none
            yield method, route.path


def call(served: Served, method: str, path: str, headers: dict[str, str]) -> Any:
    """Ask for what isn't there; a body that is refused after the key was looked at."""
    named = re.sub(r"{number}|{version}", "7", path)
    named = re.sub(r"{\w+}", "nobody", named)
    body = {} if method == "GET" else {"json": {}}
    return served.client.request(method, named, headers=headers, **body)


def test_the_table_names_every_route_of_the_application(served: Served) -> None:
    found = set(routes_of(served.app))
    document = served.app.openapi()["paths"]
    assert {(method.upper(), path) for path, methods in document.items() for method in methods} <= found
    assert found == set(NEEDED)


def test_the_document_asks_for_a_key_wherever_one_is_needed_and_nowhere_else(served: Served) -> None:
    document = served.app.openapi()
    schemes = document["components"]["securitySchemes"]
    assert {name: (one["type"], one["scheme"]) for name, one in schemes.items()} == {"key": ("http", "bearer")}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            needed = NEEDED[method.upper(), path] != OPEN
            assert operation.get("security") == ([{"key": []}] if needed else None), (method, path)


@pytest.mark.parametrize(("method", "path"), NEEDED, ids=" ".join)
def test_a_route_answers_its_role_and_those_above_and_nobody_else(served: Served, method: str, path: str) -> None:
    needed = NEEDED[method, path]
    without = call(served, method, path, {})
    if needed == OPEN:
        assert without.status_code not in (401, 403)
        return
    assert without.status_code == 401
    assert without.headers["www-authenticate"] == "Bearer"
    for role in ROLES:
        answered = call(served, method, path, served.headers(role))
        if ROLES.index(role) < ROLES.index(needed):
            assert answered.status_code == 403, role
            assert needed in answered.text
        else:
            assert answered.status_code not in (401, 403), role
            assert answered.status_code < 500, answered.text


@pytest.mark.parametrize(("method", "path"), [key for key, role in NEEDED.items() if role == OPEN], ids=" ".join)
def test_what_is_open_tells_nothing_of_patients_or_of_this_machine(served: Served, method: str, path: str) -> None:
    text = call(served, method, path, {}).text
    assert str(served.home) not in text
    assert str(served.bundle) not in text
