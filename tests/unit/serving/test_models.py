from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from nevus.pipeline.profile import reference_profile
from nevus.store import Registry
from nevus.store.keys import ROLES, allows
from rollout_factory import approved, register
from serving_factory import Served, serving, tiny_bundle

_RANGE = {"p_mel": [0.1, 0.9], "p_nv": [0.9, 0.1], "z_mel": [0.0, 1.0], "z_nv": [1.0, 0.0], "p_malignant": [0.1, 0.9]}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service on tiny/1, whose bundle has every file; tiny/2 is rejected."""
    folder = tmp_path_factory.mktemp("models")
    rows = pl.DataFrame(
        _RANGE | {"verdict": ["low_suspicion", "suspicious"], "sex": [None, "male"], "site": ["back", "back"]}
    ).with_columns(age=pl.lit(50.0), ood_score=pl.lit(1.0))
    files = {"card.md": "# Tiny ü\n".encode(), "metrics.json": b'{"schema_version": 1}\n'}
    full = tiny_bundle(folder / "full", files={**files, "profile.parquet": reference_profile(rows)})
    with serving(folder / "home", full) as served:
        approved(served.store, full)
        register(served.store, tiny_bundle(folder / "other", gain=3.0), passed=False)
        Registry(served.store).promote("tiny/1", by="test")
        served.service.fleet.follow()
        yield served


def test_versions_are_listed_with_what_they_are_and_do(fleet: Served) -> None:
    listed = {one["ref"]: one for one in fleet.get("/v1/models").json()["models"]}
    assert set(listed) == {"tiny/1", "tiny/2"}
    assert (listed["tiny/1"]["state"], listed["tiny/1"]["serving"], listed["tiny/1"]["loaded"]) == (
        "champion",
        True,
        True,
    )
    assert listed["tiny/1"]["approved_by"] == "Dr. Test"
    assert (listed["tiny/2"]["state"], listed["tiny/2"]["loaded"]) == ("rejected", False)
    assert (listed["tiny/1"]["may_answer"], listed["tiny/2"]["may_answer"]) == (True, False)
    assert listed["tiny/2"]["reasons"] == ["floor: too low"]


@pytest.mark.parametrize("which", ["tiny/1", "served"])
def test_a_version_shows_the_files_of_its_bundle(fleet: Served, which: str) -> None:
    base = f"/v1/models/{which}"
    assert fleet.get(base).json()["classes"] == ["mel", "nv", "bcc"]
    card = fleet.get(f"{base}/card")
    assert (card.text, card.headers["content-type"]) == ("# Tiny ü\n", "text/markdown; charset=utf-8")
    assert fleet.get(f"{base}/metrics").json() == {"schema_version": 1}
    assert fleet.get(f"{base}/manifest").json()["format"] == "nevus-bundle"
    features = fleet.get(f"{base}/profile").json()["features"]
    assert {"level": "male", "count": 1, "low": None, "high": None} in features["sex"]
    assert sum(one["count"] for one in features["p_malignant"]) == 2


def test_a_file_that_a_bundle_does_not_have_is_404(fleet: Served) -> None:
    assert fleet.get("/v1/models/tiny/2/card").status_code == 404
    assert fleet.get("/v1/models/tiny/99").status_code == 404
    assert fleet.get("/v1/models/nothing/1/card").status_code == 404
    assert fleet.get("/v1/models/tiny/zero").status_code == 422


ROUTES: list[tuple[str, str, str, Any, set[int]]] = [
    # method, path, least role, body, what comes with that role: nothing here may change the service
    ("GET", "/v1/models", "reader", None, {200}),
    ("GET", "/v1/models/served", "reader", None, {200}),
    ("GET", "/v1/models/served/card", "reader", None, {200}),
    ("GET", "/v1/models/served/metrics", "reader", None, {200}),
    ("GET", "/v1/models/served/manifest", "reader", None, {200}),
    ("GET", "/v1/models/served/profile", "reader", None, {200}),
    ("GET", "/v1/models/tiny/1", "reader", None, {200}),
    ("GET", "/v1/models/tiny/1/card", "reader", None, {200}),
    ("GET", "/v1/models/tiny/1/metrics", "reader", None, {200}),
    ("GET", "/v1/models/tiny/1/manifest", "reader", None, {200}),
    ("GET", "/v1/models/tiny/1/profile", "reader", None, {200}),
    ("POST", "/v1/models/tiny/99/approve", "admin", {"note": "x"}, {404}),
    ("POST", "/v1/models/tiny/2/promote", "admin", None, {409}),
    ("POST", "/v1/models/tiny/2/challenge", "admin", None, {409}),
    ("POST", "/v1/models/tiny/99/retire", "admin", {"note": "x"}, {404}),
    ("POST", "/v1/models/tiny/rollback", "operator", None, {409}),
    ("POST", "/v1/models/tiny/1/load", "operator", None, {200}),
    ("POST", "/v1/models/tiny/1/unload", "operator", None, {409}),
    ("GET", "/v1/rollout", "reader", None, {200}),
    ("PUT", "/v1/rollout", "operator", {"challenger_share": 0}, {200}),
    ("GET", "/v1/rollout/comparison", "reader", None, {200}),
    ("GET", "/v2/models/tiny", "reader", None, {200}),
    ("GET", "/v2/models/tiny/versions/1", "reader", None, {200}),
    ("POST", "/v2/models/tiny/infer", "clinician", {"inputs": []}, {422}),
    ("POST", "/v2/models/tiny/versions/1/infer", "clinician", {"inputs": []}, {422}),
]


@pytest.mark.parametrize(("method", "path", "least", "body", "comes"), ROUTES)
def test_each_role_may_do_what_it_may_and_no_more(
    fleet: Served, method: str, path: str, least: str, body: Any, comes: set[int]
) -> None:
    assert fleet.client.request(method, path, json=body).status_code == 401
    for role in ROLES:
        answered = fleet.client.request(method, path, json=body, headers=fleet.headers(role))
        expected = comes if allows(role, least) else {403}
        assert answered.status_code in expected, (role, answered.text)
        if answered.status_code >= 400 and not path.startswith("/v2"):
            assert answered.headers["content-type"] == "application/problem+json"


def test_bodies_with_unknown_or_missing_members_are_refused_by_name(fleet: Served) -> None:
    empty = fleet.post("/v1/models/tiny/1/approve", "admin", json={})
    assert (empty.status_code, empty.json()["field"]) == (422, "note")
    strange = fleet.client.put("/v1/rollout", headers=fleet.headers("operator"), json={"share": 1})
    assert (strange.status_code, strange.json()["field"]) == (422, "share")
    naive = fleet.get("/v1/rollout/comparison?from=2026-01-01T00:00:00")
    assert (naive.status_code, naive.json()["field"]) == (422, "from")


def test_sql_in_a_models_name_is_only_a_name(fleet: Served) -> None:
    answered = fleet.get("/v1/models/tiny' OR '1'='1/1")
    assert answered.status_code == 404
