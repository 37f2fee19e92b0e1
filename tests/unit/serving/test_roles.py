"""Who may ask what: every route of these resources with every role."""

from __future__ import annotations

import pytest

from serving_factory import Served

ROUTES = {
    ("GET", "/v1/me"): "reader",
    ("GET", "/v1/predictions"): "reader",
    ("GET", "/v1/predictions/none/similar"): "reader",
    ("POST", "/v1/predictions/batch"): "clinician",
    ("POST", "/v1/labels"): "clinician",
    ("POST", "/v1/labels/bulk"): "clinician",
    ("GET", "/v1/labels"): "reader",
    ("POST", "/v1/samples"): "clinician",
    ("GET", "/v1/samples/batches"): "reader",
    ("GET", "/v1/worklist"): "reader",
    ("GET", "/v1/overview"): "reader",
    ("GET", "/v1/diagnoses"): "reader",
}


@pytest.mark.parametrize(("route", "needed"), ROUTES.items(), ids=lambda one: " ".join(one) if len(one) == 2 else one)
@pytest.mark.parametrize("role", ["reader", "clinician", "operator", "admin"])
def test_a_route_opens_to_its_role_and_those_above(
    served: Served, route: tuple[str, str], needed: str, role: str
) -> None:
    order = ["reader", "clinician", "operator", "admin"]
    status = served.client.request(*route, headers=served.headers(role)).status_code
    assert (status == 403) == (order.index(role) < order.index(needed))
    assert status not in (401, 500)


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_no_route_opens_without_a_key(served: Served, route: tuple[str, str]) -> None:
    answered = served.client.request(*route)
    assert answered.status_code == 401
    assert answered.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_the_document_names_every_way_a_route_may_refuse(served: Served, route: tuple[str, str]) -> None:
    method, path = route
    paths = served.client.get("/openapi.json").json()["paths"]
    told = paths[path.replace("none", "{prediction_id}")][method.lower()]["responses"]
    assert {"401", "403", "429", "503"} <= set(told)
    for status in ("401", "403", "422"):
        if status in told:
            assert "application/problem+json" in told[status]["content"]
