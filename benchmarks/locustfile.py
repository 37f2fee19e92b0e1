"""People at work with the service, for Locust.

    locust -f benchmarks/locustfile.py --headless --host http://127.0.0.1:8000 --images FOLDER \\
        --users 50 --spawn-rate 25 --run-time 60s --html report.html NormalUser

The key of role clinician stands in NEVUS_KEY. `benchmarks/load_levels.py` starts a server and runs all four levels.

What is answered 429 is no failure but what the service promises when it is full: the user waits as long as it was told
to, and the request counts under the name "told to wait".
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, between, constant, events, task

_IMAGES: list[bytes] = []
_BATCH = 8


@events.init_command_line_parser.add_listener
def _options(parser: Any) -> None:
    parser.add_argument("--images", required=True, help="folder of JPEGs")


@events.test_start.add_listener
def _load(environment: Any, **_: Any) -> None:
    if not _IMAGES:
        files = sorted(Path(environment.parsed_options.images).rglob("*.jp*g"))[:64]
        _IMAGES.extend(file.read_bytes() for file in files)
    if not _IMAGES:
        raise SystemExit("there are no JPEGs in the folder of --images")


class Person(FastHttpUser):
    """Somebody with a key."""

    abstract = True
    network_timeout = 60.0
    connection_timeout = 60.0

    def on_start(self) -> None:
        """Nothing seen yet."""
        key = os.environ.get("NEVUS_KEY")
        self.heads = {"Authorization": f"Bearer {key}"} if key else {}
        self.seen: list[str] = []

    def ask(self, method: str, path: str, name: str, **sent: Any) -> Any:
        """Send a request; None where it was told to wait, or failed."""
        heads = self.heads | sent.pop("headers", {})
        with self.client.request(method, path, name=name, headers=heads, catch_response=True, **sent) as answer:
            if answer.status_code == 429:
                answer.request_meta["name"] = "told to wait (429)"
                answer.success()
            elif not 200 <= answer.status_code < 300:
                answer.failure(f"{answer.status_code} {(answer.text or '')[:120]}")
        if answer.status_code == 429:
            gevent.sleep(float(answer.headers.get("Retry-After", "1")))
        return answer if 200 <= answer.status_code < 300 else None

    def predict(self, *, explain: bool = False) -> None:
        """Send an image as it is."""
        answer = self.ask(
            "POST",
            "/v1/predictions" + ("?explain=true" if explain else ""),
            "predict, explained" if explain else "predict",
            data=random.choice(_IMAGES),
            headers={"Content-Type": "image/jpeg"},
        )
        if answer is not None:
            self.seen = [*self.seen[-20:], answer.json()["prediction_id"]]

    def batch(self) -> None:
        """Send eight images at once."""
        boundary = "nevus-load"
        head = 'Content-Disposition: form-data; name="images"; filename="{}.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        parts = [f"--{boundary}\r\n{head.format(n)}".encode() + random.choice(_IMAGES) + b"\r\n" for n in range(_BATCH)]
        self.ask(
            "POST",
            "/v1/predictions/batch",
            f"batch of {_BATCH}",
            data=b"".join(parts) + f"--{boundary}--\r\n".encode(),
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        )

    def look(self, part: str = "") -> None:
        """Read one of the last predictions back."""
        if self.seen:
            self.ask("GET", f"/v1/predictions/{random.choice(self.seen)}{part}", f"read{part or ' back'}")


class LightUser(Person):
    """Looks at what there is and predicts now and then: one thing in 5 to 10 s."""

    wait_time = between(5, 10)

    @task(3)
    def one(self) -> None:
        self.predict()

    @task(2)
    def again(self) -> None:
        self.look()

    @task(2)
    def overview(self) -> None:
        self.ask("GET", "/v1/overview?hours=1", "overview")

    @task(1)
    def list_(self) -> None:
        self.ask("GET", "/v1/predictions?limit=20", "list")


class NormalUser(Person):
    """Predicts, looks at the picture and the evidence: one thing in 1 to 3 s."""

    wait_time = between(1, 3)

    @task(5)
    def one(self) -> None:
        self.predict()

    @task(2)
    def explained(self) -> None:
        self.predict(explain=True)

    @task(1)
    def picture(self) -> None:
        self.look("/image")

    @task(1)
    def evidence(self) -> None:
        self.look("/evidence")

    @task(1)
    def worklist(self) -> None:
        self.ask("GET", "/v1/worklist?limit=10", "worklist")


class HeavyUser(Person):
    """Batches and single images: one thing in half a second to 1.5 s."""

    wait_time = between(0.5, 1.5)

    @task(1)
    def many(self) -> None:
        self.batch()

    @task(4)
    def one(self) -> None:
        self.predict()


class StressUser(Person):
    """Predicts without a pause."""

    wait_time = constant(0)

    @task
    def one(self) -> None:
        self.predict()
