"""What was answered is stored: a service that is killed has forgotten nothing that a client received."""

from __future__ import annotations

import json
import threading
import time
import urllib.request

import pytest

from serve_process import ServeProcess, serve
from serving_factory import drawn, tiny_bundle

pytestmark = pytest.mark.slow  # starts a server nine times


def ask(url, image, received):
    """Predict until the server is gone; note each id that came back whole."""
    number = 0
    while True:
        number += 1
        try:
            request = urllib.request.Request(
                f"{url}/v1/predictions", data=image, headers={"Content-Type": "image/jpeg"}, method="POST"
            )
            with urllib.request.urlopen(request, timeout=20) as answer:
                received.append(json.load(answer)["prediction_id"])
        except (OSError, ValueError):
            return


def test_every_answer_that_was_received_can_be_read_back_after_kill_9(tmp_path):
    home, bundle = tmp_path / "home", tiny_bundle(tmp_path / "bundle")
    received: list[str] = []
    for seconds in (0.2, 0.45, 0.7, 0.3):
        server = ServeProcess(home, "--bundle", str(bundle))
        try:
            server.wait_ready()
            clients = [
                threading.Thread(target=ask, args=(server.url, drawn("mel", number), received)) for number in range(6)
            ]
            for client in clients:
                client.start()
            time.sleep(seconds)
            server.kill()
            for client in clients:
                client.join(60)
        finally:
            server.kill()
    assert len(received) > 20
    with serve(home, "--bundle", str(bundle)) as server:
        for prediction_id in received:
            with urllib.request.urlopen(f"{server.url}/v1/predictions/{prediction_id}") as answer:
                assert json.load(answer)["prediction_id"] == prediction_id
            with urllib.request.urlopen(f"{server.url}/v1/predictions/{prediction_id}/image") as answer:
                assert answer.read()[:3] == b"\xff\xd8\xff"


def test_a_service_that_is_told_to_end_answers_first_and_exits_cleanly(tmp_path):
    home, bundle = tmp_path / "home", tiny_bundle(tmp_path / "bundle")
    received: list[str] = []
    with serve(home, "--bundle", str(bundle)) as server:
        client = threading.Thread(target=ask, args=(server.url, drawn("nv"), received))
        client.start()
        time.sleep(0.5)
        assert server.stop() == 0
        client.join(30)
    assert received
    assert "defect" not in server.said
