"""Who the service takes a caller for."""

from __future__ import annotations

import pytest

from serving_factory import Served


@pytest.mark.parametrize("role", ["reader", "clinician", "operator", "admin"])
def test_a_key_tells_its_owner_and_role(served: Served, role: str) -> None:
    told = served.get("/v1/me", role).json()
    assert (told["name"], told["role"]) == (f"the {role}", role)
    assert told["key_id"] == served.keys[role].split("_")[1]


@pytest.mark.parametrize("header", [None, "Bearer nevus_000000000000_" + 43 * "x", "Basic abc", "Bearer \x00"])
def test_who_holds_no_key_is_nobody(served: Served, header: str | None) -> None:
    answered = served.client.get("/v1/me", headers={"Authorization": header} if header else {})
    assert answered.status_code == 401
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.headers["www-authenticate"] == "Bearer"
