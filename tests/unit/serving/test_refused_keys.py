"""Who sends key after key that opens nothing is told to wait, and nobody else is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from nevus.serving.errors import ProblemError
from nevus.serving.refused_keys import RefusedKeys
from nevus.store.keys import ApiKeys
from serving_factory import Served, serving

UNKNOWN = "nevus_0a1b2c_" + "x" * 43
MOST = 6


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def refused(keys: RefusedKeys, address: str) -> int | None:
    """Seconds to wait; None where a key may be tried."""
    try:
        keys.check(address)
    except ProblemError as error:
        return int(error.headers["Retry-After"]) if error.status == 429 else -1
    return None


def test_an_address_may_be_refused_so_often_and_then_at_that_rate() -> None:
    clock = Clock()
    keys = RefusedKeys(6, clock=clock)
    for _ in range(6):
        assert refused(keys, "192.0.2.1") is None
        keys.count("192.0.2.1")
    assert refused(keys, "192.0.2.1") == 10
    clock.now += 9.5
    assert refused(keys, "192.0.2.1") == 1
    clock.now += 0.5
    assert refused(keys, "192.0.2.1") is None
    keys.count("192.0.2.1")
    assert refused(keys, "192.0.2.1") == 10
    clock.now += 60
    for _ in range(6):
        assert refused(keys, "192.0.2.1") is None
        keys.count("192.0.2.1")
    assert refused(keys, "192.0.2.1") is not None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("testclient", "", False),
    ],
)
def test_who_has_one_address_of_a_network_has_all_of_them(one: str, other: str, same: bool) -> None:
    keys = RefusedKeys(1)
    keys.count(one)
    assert (refused(keys, other) is not None) == same


def test_the_table_never_grows_beyond_its_bound_and_forgets_who_stopped() -> None:
    clock, drawn = Clock(), random.Random(1)
    keys = RefusedKeys(2, most=50, clock=clock)
    for _ in range(5000):
        clock.now += 0.001
        keys.count(f"198.51.{drawn.randrange(256)}.{drawn.randrange(256)}")
        assert len(keys) <= 50
    keys.count("192.0.2.1")
    keys.count("192.0.2.1")
    assert refused(keys, "192.0.2.1") is not None
    clock.now += 61
    keys.count("192.0.2.2")
    assert len(keys) == 1


@pytest.fixture
def strict(tmp_path: Path, serving_bundle: Path) -> Iterator[Served]:
    with serving(tmp_path / "home", serving_bundle, refused_keys_per_minute=MOST) as served:
        yield served


def me(client: TestClient, key: str | None) -> int:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return client.get("/v1/me", headers=headers).status_code


def test_every_way_to_have_no_key_counts_and_the_answer_says_when_to_come_back(strict: Served) -> None:
    keys = ApiKeys(strict.store)
    late, _ = keys.create("late", "reader", expires_at=datetime.now(UTC) + timedelta(milliseconds=1), by="test")
    gone, key = keys.create("gone", "reader", by="test")
    keys.revoke(key.key_id, by="test")
    for text in (late, gone, UNKNOWN, "x y", "", None):
        assert me(strict.client, text) == 401
    answered = strict.client.get("/v1/me", headers={"Authorization": f"Bearer {UNKNOWN}"})
    assert answered.status_code == 429
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.json()["status"] == 429
    assert 1 <= int(answered.headers["retry-after"]) <= 60 / MOST
    assert UNKNOWN not in answered.text
    measured = strict.client.get("/metrics").text
    counted = {"missing": 1, "malformed": 1, "unknown": 2, "expired": 1, "revoked": 1, "too_many": 1}
    for reason, times in counted.items():
        assert f'nevus_refused_keys_total{{reason="{reason}"}} {times}.0' in measured, reason


def test_the_fast_path_of_a_prediction_is_limited_too(strict: Served) -> None:
    statuses = [
        strict.client.post(
            "/v1/predictions", content=b"x", headers={"Authorization": f"Bearer {UNKNOWN}", "Content-Type": "image/png"}
        ).status_code
        for _ in range(MOST + 1)
    ]
    assert statuses == [401] * MOST + [429]


def test_other_addresses_and_a_key_that_worked_before_are_not_held_up(strict: Served) -> None:
    assert me(strict.client, strict.keys["reader"]) == 200
    for _ in range(3 * MOST):
        me(strict.client, UNKNOWN)
    assert me(strict.client, strict.keys["operator"]) == 429  # never seen from here, nor from anywhere
    strict.service.authenticator._kept.clear()  # as after two seconds: the store is asked again
    assert me(strict.client, strict.keys["reader"]) == 200
    elsewhere = TestClient(strict.app, client=("203.0.113.9", 5000))
    assert me(elsewhere, strict.keys["operator"]) == 200
    assert me(elsewhere, UNKNOWN) == 401
    assert me(strict.client, strict.keys["operator"]) == 200  # it has worked elsewhere meanwhile


def test_a_key_that_worked_and_was_revoked_is_limited_like_any_other(strict: Served) -> None:
    text, key = ApiKeys(strict.store).create("gone", "reader", by="test")
    assert me(strict.client, text) == 200
    ApiKeys(strict.store).revoke(key.key_id, by="test")
    strict.service.authenticator._kept.clear()
    assert [me(strict.client, text) for _ in range(MOST + 1)] == [401] * MOST + [429]
