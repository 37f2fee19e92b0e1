"""A key that is revoked or whose time is over is refused within two seconds, however busy it was."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from nevus.store.keys import ApiKeys
from serving_factory import Served

LATEST = 2.0
SLACK = 1.0


def seconds_until_refused(served: Served, key: str) -> tuple[float, str]:
    """Ask all the time, as a busy client does."""
    began = time.monotonic()
    while True:
        answered = served.client.get("/v1/me", headers={"Authorization": f"Bearer {key}"})
        if answered.status_code == 401:
            return time.monotonic() - began, answered.json()["detail"]
        assert answered.status_code == 200
        assert time.monotonic() - began < 10
        time.sleep(0.02)


def test_a_revoked_key_is_refused_within_two_seconds(served: Served) -> None:
    text, key = ApiKeys(served.store).create("to go", "reader", by="test")
    assert served.client.get("/v1/me", headers={"Authorization": f"Bearer {text}"}).status_code == 200
    ApiKeys(served.store).revoke(key.key_id, by="test")
    took, said = seconds_until_refused(served, text)
    assert took < LATEST + SLACK
    assert "revoked" in said


def test_an_expired_key_is_refused_within_two_seconds(served: Served) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=0.7)
    text, _ = ApiKeys(served.store).create("for a moment", "reader", expires_at=ends, by="test")
    took, said = seconds_until_refused(served, text)
    assert took < 0.7 + LATEST + SLACK
    assert "expired" in said
