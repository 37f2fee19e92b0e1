"""A Postgres that goes away and comes back while the service runs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from postgres_server import postgres
from serving_factory import drawn, serving, tiny_bundle

pytestmark = pytest.mark.service


def test_a_service_without_its_postgres_says_so_and_recovers_by_itself(tmp_path: Path) -> None:
    with (
        postgres() as server,
        serving(
            tmp_path / "home", tiny_bundle(tmp_path / "bundle"), store_url=f"{server.url}/postgres", follow_seconds=0.2
        ) as served,
    ):
        image = {"content": drawn("nv"), "headers": {"Content-Type": "image/jpeg"}}
        received = [served.predict(drawn("nv", number))["prediction_id"] for number in range(3)]
        server.stop()
        for path in ("/v1/predictions", f"/v1/predictions/{received[0]}", "/v1/worklist", "/v1/overview", "/v1/models"):
            answered = served.get(path)
            assert answered.status_code == 503, (path, answered.text)
            assert not any(word in answered.text.lower() for word in ("postgres", "psycopg", "127.0.0.1", "select"))
        answered = served.post("/v1/predictions", **image)
        assert answered.status_code == 503
        assert int(answered.headers["retry-after"]) >= 1
        assert served.client.get("/health").status_code == 200
        assert served.client.get("/ready").status_code == 200  # the model answers; it is the store that doesn't
        time.sleep(0.5)  # the follower meets with the outage too
        server.start()
        received.append(served.predict(drawn("nv", 9))["prediction_id"])
        for prediction_id in received:
            assert served.get(f"/v1/predictions/{prediction_id}").status_code == 200
