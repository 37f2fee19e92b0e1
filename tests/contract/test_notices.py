"""What a notice promises: it arrives, or its loss is logged; it never breaks what it tells of, nor tells a secret."""

from __future__ import annotations

import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from nevus.errors import EXIT_BAD_INPUT
from nevus.notices import Event, Notices, NoticeSettings, open_notices
from nevus.notices.apprise import AppriseNotifier, NoticeAddressError
from nevus.notices.log import LogNotifier


@pytest.fixture
def receiver():
    """A web server that keeps what is posted to it; its `answer` can be set."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.received.append((self.path, json.loads(body)))
            self.send_response(self.server.answer)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.received, server.answer = [], 200
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def address(server, path=""):
    return f"json://user:hunter2@127.0.0.1:{server.server_address[1]}/{path}"


def test_a_notice_arrives_at_every_address(receiver):
    pytest.importorskip("apprise")
    urls = (SecretStr(address(receiver, "a")), SecretStr(address(receiver, "b")))
    assert open_notices(NoticeSettings(urls=urls)).notify(
        Event.GATE_FAILED, "lesions/3 rejected", "balanced accuracy: lower end .612 is below .65"
    )
    assert sorted(path for path, _ in receiver.received) == ["/a", "/b"]
    said = receiver.received[0][1]
    assert said["title"] == "lesions/3 rejected"
    assert said["message"] == "balanced accuracy: lower end .612 is below .65"
    assert said["type"] == "warning"


def test_an_event_that_is_not_asked_for_is_passed_over(receiver):
    pytest.importorskip("apprise")
    notices = open_notices(NoticeSettings(urls=(SecretStr(address(receiver)),), events=(Event.PROMOTED,)))
    assert notices.notify(Event.GATE_FAILED, "no", "no")
    assert notices.notify(Event.PROMOTED, "yes", "yes")
    assert [body["title"] for _, body in receiver.received] == ["yes"]


@pytest.mark.parametrize("trouble", ["refused", "server error"])
def test_a_notice_that_does_not_arrive_is_logged_without_the_secret_and_breaks_nothing(receiver, caplog, trouble):
    pytest.importorskip("apprise")
    url = address(receiver) if trouble == "server error" else "json://user:hunter2@127.0.0.1:1"
    receiver.answer = 500
    notices = open_notices(NoticeSettings(urls=(SecretStr(url),)))
    with caplog.at_level(logging.DEBUG):
        assert notices.notify(Event.RUN_FAILED, "training stopped", "the disk is full") is False
    errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR and r.name == "nevus.notices"]
    assert len(errors) == 1
    assert "'training stopped' was not delivered: notices.urls[0]" in errors[0]
    assert "hunter2" not in caplog.text


def test_one_address_that_fails_does_not_keep_the_others_from_theirs(receiver):
    pytest.importorskip("apprise")
    notifier = AppriseNotifier(["json://127.0.0.1:1", address(receiver)])
    assert Notices([notifier]).notify(Event.PROMOTED, "lesions/2", "x") is False
    assert [body["title"] for _, body in receiver.received] == ["lesions/2"]


def test_a_notifier_with_a_bug_breaks_nothing_and_the_next_one_is_still_asked(caplog):
    class Broken:
        def send(self, event, title, body):
            raise ZeroDivisionError

    with caplog.at_level(logging.INFO, logger="nevus.notices"):
        assert Notices([Broken(), LogNotifier()]).notify(Event.PROMOTED, "lesions/2", "is champion") is False
    assert "ZeroDivisionError in Broken" in caplog.text
    assert "promoted: lesions/2: is champion" in caplog.text


def test_without_addresses_a_notice_goes_to_the_log(caplog):
    with caplog.at_level(logging.INFO, logger="nevus.notices"):
        assert open_notices().notify(Event.RUN_FAILED, "training stopped", "the disk is full")
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("WARNING", "run_failed: training stopped: the disk is full")
    ]


@pytest.mark.parametrize("url", ["nosuch://hunter2", "hunter2", "slack://hunter2"])
def test_an_address_that_is_none_is_refused_at_once_by_its_place(url):
    pytest.importorskip("apprise")
    with pytest.raises(NoticeAddressError, match=r"notices\.urls\[1\]") as caught:
        open_notices(NoticeSettings(urls=(SecretStr("json://127.0.0.1:1"), SecretStr(url))))
    assert "hunter2" not in str(caught.value)
    assert caught.value.exit_code == EXIT_BAD_INPUT


def test_addresses_do_not_show_in_settings_that_are_printed_or_stored():
    chosen = NoticeSettings(urls=(SecretStr("json://hunter2@h"),))
    assert "hunter2" not in repr(chosen)
    assert "hunter2" not in chosen.model_dump_json()
