"""Decisions over HTTP are told as those at the command line are, and no answer waits for it or fails by it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from pydantic import SecretStr

from nevus.notices import Event, NoticeSettings
from nevus.serving.mirroring import Mirror
from nevus.store import Registry, entries
from nevus.tracking import TrackingSettings
from rollout_factory import approved, bundles, wait_until
from serving_factory import Served, serving

OFF = TrackingSettings(enabled=False)
needs_mlflow = pytest.mark.skipif(find_spec("mlflow") is None, reason="needs nevus[tracking]")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return bundles(tmp_path_factory.mktemp("two"))


@pytest.fixture
def received() -> Iterator[tuple[list[dict[str, Any]], SecretStr]]:
    """What was posted to an address, and the address."""
    found: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield found, SecretStr(f"json://127.0.0.1:{server.server_address[1]}/")
    server.shutdown()
    server.server_close()
    thread.join()


def two_approved(served: Served, two: list[Path]) -> None:
    for bundle in two:
        approved(served.store, bundle)


def decide(served: Served, path: str, note: str | None) -> dict[str, Any]:
    answered = served.post(f"/v1/models/tiny/{path}", "admin", json={"note": note})
    assert answered.status_code == 200, answered.text
    found: dict[str, Any] = answered.json()
    return found


def test_each_decision_is_told_once_with_who_and_why(
    tmp_path: Path, two: list[Path], received: tuple[list[dict[str, Any]], SecretStr]
) -> None:
    pytest.importorskip("apprise", reason="needs nevus[notify]")
    told, address = received
    notices = NoticeSettings(urls=(address,), events=tuple(set(Event) - {Event.CHALLENGER}))
    home = tmp_path / "home"
    with (
        serving(home, two[0], tracking=OFF, notices=notices, follow_seconds=0.1) as one,
        serving(home, two[0], tracking=OFF, notices=notices, follow_seconds=0.1) as other,
    ):
        two_approved(one, two)
        decide(one, "1/promote", "the first")
        decide(one, "2/challenge", "nobody is told of these")
        decide(one, "2/promote", None)
        wait_until(lambda: other.get("/ready").json()["version"] == 2)
        decide(other, "rollback", "too many alarms")
    assert sorted((one["title"], one["message"].partition("\nbundle ")[0]) for one in told) == [
        ("tiny/1 is champion again. tiny/2 is retired now.", "by the admin: too many alarms"),
        ("tiny/1 is champion now.", "by the admin: the first"),
        ("tiny/2 is champion now. tiny/1 is retired now.", "by the admin"),
    ]


def test_a_notice_that_cannot_be_sent_fails_nothing(tmp_path: Path, two: list[Path]) -> None:
    notices = NoticeSettings(urls=(SecretStr("nothing://hunter2"),))
    with structlog.testing.capture_logs() as logs, serving(tmp_path / "home", two[0], notices=notices) as served:
        two_approved(served, two)
        decide(served, "1/promote", None)
    (said,) = [line for line in logs if line["event"] == "notice_not_delivered"]
    assert "hunter2" not in json.dumps(said)


def test_notes_stand_in_the_audit_and_with_the_version(tmp_path: Path, two: list[Path]) -> None:
    with serving(tmp_path / "home", two[0], tracking=OFF) as served:
        two_approved(served, two)
        decide(served, "1/promote", "report read")
        decide(served, "2/challenge", "to be compared")
        decide(served, "2/promote", "better by far")
        decide(served, "rollback", "too many alarms")
        decide(served, "1/retire", "never again")
        histories = {number: served.get(f"/v1/models/tiny/{number}").json()["history"] for number in (1, 2)}
        audit = entries(served.store, subject="tiny/2", last=3)
    said = {n: [(one["decision"], one["state"], one["note"]) for one in told] for n, told in histories.items()}
    assert said[1][-4:] == [
        ("promote", "champion", "report read"),
        ("replace", "retired", None),
        ("restore", "champion", "too many alarms"),
        ("retire", "retired", "never again"),
    ]
    assert said[2][-3:] == [
        ("challenger", "challenger", "to be compared"),
        ("promote", "champion", "better by far"),
        ("rollback", "retired", "too many alarms"),
    ]
    assert {one["by"] for one in histories[2][-3:]} == {"the admin"}
    assert [entry.details["note"] for entry in audit] == [note for _, _, note in said[2][-3:]]


@needs_mlflow
@pytest.mark.slow  # MLflow is imported and makes its database in a process of its own
def test_mlflow_shows_what_was_decided_over_http_without_being_loaded_here(tmp_path: Path, two: list[Path]) -> None:
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    tracking = TrackingSettings(uri=SecretStr(address))
    loaded = "mlflow" in sys.modules
    with structlog.testing.capture_logs() as logs, serving(tmp_path / "home", two[0], tracking=tracking) as served:
        two_approved(served, two)
        decide(served, "1/promote", None)
        decide(served, "2/promote", None)
        assert not [line for line in logs if line["event"] == "models_mirrored"]  # the answers were first
        wait_until(lambda: mirrored_champion(address) == "2", seconds=120)
    assert ("mlflow" in sys.modules) is loaded
    assert not [line for line in logs if line["event"] == "models_not_mirrored"]


def mirrored_champion(address: str) -> str | None:
    """The number that MLflow's alias `champion` leads to, by ours."""
    query = """SELECT t.value FROM registered_model_aliases a JOIN model_version_tags t
        ON t.name = a.name AND t.version = a.version AND t.key = 'nevus.version' WHERE a.alias = 'champion'"""
    engine = sa.create_engine(address)
    try:
        with engine.connect() as connection:
            found: str | None = connection.execute(sa.text(query)).scalar()
            return found
    except sa.exc.OperationalError:  # it makes its tables yet
        return None
    finally:
        engine.dispose()


@needs_mlflow
@pytest.mark.slow  # two processes that import MLflow, one after the other
def test_a_mirror_that_fails_is_tried_again(tmp_path: Path) -> None:
    from nevus.store import StoreSettings, open_store
    from rollout_factory import approved as make_approved

    folder = tmp_path / "later"
    folder.touch()  # not a folder yet
    address = f"sqlite:///{folder / 'mlflow.db'}"
    captured = structlog.testing.LogCapture()  # of this mirror alone: one of another test may still be ending
    log, logs = structlog.wrap_logger(None, processors=[captured]), captured.entries
    with open_store(StoreSettings(home=tmp_path / "home")) as store:
        make_approved(store, bundles(tmp_path, 1)[0])
        Registry(store).promote("tiny/1", by="test")
        settings = TrackingSettings(uri=SecretStr(address))
        mirror = Mirror(store.url, tmp_path / "home", settings, log, pauses=(1.0, 1.0, 1.0))
        mirror.want()
        wait_until(lambda: any(line["event"] == "models_not_mirrored" for line in logs), seconds=120)
        folder.unlink()
        folder.mkdir()
        wait_until(lambda: any(line["event"] == "models_mirrored" for line in logs), seconds=120)
        mirror.close()
    assert mirrored_champion(address) == "1"
    assert "can't be used" in logs[0]["error"]


@pytest.mark.parametrize("why", ["not installed", "switched off", "nothing was ever tracked"])
def test_without_mlflow_a_decision_is_made_all_the_same(
    tmp_path: Path, two: list[Path], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    if why == "not installed":
        monkeypatch.setitem(sys.modules, "mlflow", None)
    if why != "nothing was ever tracked":
        (home / "mlflow.db").touch()
    tracking = OFF if why == "switched off" else None
    with structlog.testing.capture_logs() as logs, serving(home, two[0], tracking=tracking) as served:
        two_approved(served, two)
        assert decide(served, "1/promote", None)["version"]["state"] == "champion"
    told = [line["error"] for line in logs if line["event"].startswith("models_") and line.get("error")]
    assert told == (["MLflow isn't installed here"] if why == "not installed" else [])
