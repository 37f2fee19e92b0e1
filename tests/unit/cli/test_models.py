from __future__ import annotations

import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typer.testing import CliRunner

from nevus.cli import app
from nevus.errors import EXIT_BAD_INPUT, EXIT_FAILED
from nevus.store import NewVersion, Registry, StoreSettings, open_store

APPROVED = ("approve", "1", "--by", "Dr. Rossi", "--note", "report read")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder with two candidates and a rejected version of `lesions`."""
    for name in ("NEVUS_STORE__URL", "NEVUS_TRACKING__URI", "NEVUS_NOTICES__URLS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NEVUS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NEVUS_ACTOR", "ops")
    monkeypatch.setenv("COLUMNS", "100")
    passed = NewVersion(
        "lesions",
        "/models/1",
        "a" * 64,
        "diagnosis",
        ("mel", "nv"),
        ("mel",),
        {"policy": "default", "lines": [{"rule": "bacc", "required": ">= .65", "explanation": "0.7", "passed": True}]},
        True,
        metrics={"balanced_accuracy": {"value": 0.7123, "low": 0.66, "high": 0.75}},
        licence="CC BY-NC",
    )
    with open_store(StoreSettings(home=tmp_path / "home")) as store:
        registry = Registry(store)
        registry.register(passed)
        registry.register(replace(passed, bundle_digest="b" * 64, bundle_uri="/models/2"))
        registry.register(
            replace(passed, bundle_digest="c" * 64, gate_passed=False, reasons=("bacc: lower end .612 below .65",))
        )
    return tmp_path / "home"


@pytest.fixture
def nevus(home):
    """Run a command; `exit` is the code that it must end with."""

    def run(*arguments, exit=0):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == exit, done.output
        assert "Traceback" not in done.output
        return done

    return run


@pytest.fixture
def models(nevus):
    return lambda *arguments, **options: nevus("models", *arguments, **options)


def test_the_way_to_production_and_back_on_the_command_line(models):
    assert models(*APPROVED).stdout == "lesions/1 is approved by Dr. Rossi.\n"
    first = models("promote", "lesions/1")
    assert first.stdout == "lesions/1 is champion now.\n"
    assert "warning: lesions/1: the licence of its data (CC BY-NC) does not allow commercial use" in first.stderr
    models("approve", "bbbbbb", "--by", "Dr. Rossi", "--note", "better")
    assert models("challenger", "2").stdout == "lesions/2 is challenger now.\n"
    assert models("promote", "challenger").stdout == "lesions/2 is champion now. lesions/1 is retired now.\n"
    assert (
        models("rollback", "--note", "referrals").stdout == "lesions/1 is champion again. lesions/2 is retired now.\n"
    )
    retired = models("retire", "1", "--note", "out of date")
    assert "lesions has no champion now" in retired.stderr


def test_who_acted_stands_in_the_audit(models, nevus):
    models(*APPROVED)
    models("promote", "1")
    rows = json.loads(nevus("audit", "list", "--json").stdout)
    assert [(r["actor"], r["action"], r["subject"]) for r in rows[-2:]] == [
        ("Dr. Rossi", "model.approve", "lesions/1"),
        ("ops", "model.promote", "lesions/1"),
    ]
    assert len(json.loads(nevus("audit", "list", "--json", "--last", "2").stdout)) == 2
    shown = nevus("audit", "list", "--subject", "lesions/1", "--action", "model.promote").stdout
    assert "approved → champion" in shown
    assert nevus("audit", "list", "--subject", "nobody").stdout == "no such row.\n"


def test_an_approval_without_a_name_or_a_note_is_bad_usage(models):
    assert "--by" in models("approve", "1", "--note", "x", exit=2).stderr
    assert "--note" in models("approve", "1", "--by", "x", exit=2).stderr


def test_a_rejected_version_needs_an_override_which_is_shown_ever_after(models):
    refused = models("approve", "3", "--by", "x", "--note", "y", exit=EXIT_BAD_INPUT)
    assert "bacc: lower end .612 below .65" in refused.stderr
    assert "--override is missing" in refused.stderr
    models("approve", "3", "--by", "x", "--note", "y", "--override", "trial with two readers")
    assert "trial with two readers" in models("show", "3").stdout


def test_what_can_not_be_done_says_the_way_and_exits_2(models):
    assert "nevus models approve lesions/1 --by NAME --note TEXT" in models("promote", "1", exit=2).stderr
    assert "versions 1 to 3" in models("show", "9", exit=2).stderr
    assert "the states are candidate, rejected" in models("list", "--state", "x", exit=2).stderr
    assert "there is: lesions" in models("list", "--model", "x", exit=2).stderr


def test_the_list_is_a_table_for_people_and_json_for_programs(models):
    shown = models("list").stdout
    assert [line.split()[:2] for line in shown.splitlines() if "lesions/" in line] == [
        ["lesions/3", "rejected"],
        ["lesions/2", "candidate"],
        ["lesions/1", "candidate"],
    ]
    assert "0.712" in shown
    records = json.loads(models("list", "--json", "--state", "candidate").stdout)
    assert [(r["ref"], r["bundle_digest"], r["state"]) for r in records] == [
        ("lesions/2", "b" * 64, "candidate"),
        ("lesions/1", "a" * 64, "candidate"),
    ]


def test_a_version_is_shown_with_its_gate_and_history(models):
    models(*APPROVED)
    shown = models("show", "1").stdout
    for text in ("CC BY-NC, no commercial use", "policy default", "bacc", "candidate → approved", "not a diagnosis"):
        assert text in shown, text
    record = json.loads(models("show", "1", "--json").stdout)
    assert record["approval"]["by"] == "Dr. Rossi"
    assert [row["action"] for row in record["history"]] == ["model.register", "model.approve"]


def test_a_change_can_be_had_as_json(models):
    models(*APPROVED)
    record = json.loads(models("promote", "1", "--json").stdout)
    assert record["version"]["state"] == "champion"
    assert record["replaced"] is None
    assert "CC BY-NC" in record["warnings"][0]


def test_versions_without_predictions_can_not_be_compared(models):
    assert "registered without its predictions" in models("compare", "1", "2", exit=2).stderr


def test_an_empty_store_says_how_to_fill_it(models, tmp_path):
    assert "a finished `nevus run` registers one" in models("list", "--home", str(tmp_path / "other")).stdout
    assert "nevus run" in models("show", "1", "--home", str(tmp_path / "other"), exit=2).stderr


def test_an_address_beats_the_home_and_the_home_beats_the_variable(models, home, tmp_path, monkeypatch):
    monkeypatch.setenv("NEVUS_STORE__URL", f"sqlite:///{tmp_path}/empty.db")
    assert "no such version" in models("list").stdout
    assert "lesions/3" in models("list", "--home", str(home)).stdout
    assert "lesions/3" in models("list", "--store", f"sqlite:///{home}/nevus.db").stdout


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("NEVUS_NOTICES__EVENTS", '["nope"]', "NEVUS_NOTICES__EVENTS__0"),
        ("NEVUS_NOTICES__URLS", "abc", "written as JSON"),
        ("NEVUS_STORE__URL", "mysql://root:hunter2@h/d", "'mysql'"),
    ],
)
def test_a_variable_that_is_wrong_is_named(models, monkeypatch, variable, value, said):
    monkeypatch.setenv(variable, value)
    refused = models("list", exit=EXIT_BAD_INPUT).stderr
    assert said in refused
    assert "hunter2" not in refused


def test_a_promotion_notifies(models, monkeypatch):
    pytest.importorskip("apprise")
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        monkeypatch.setenv("NEVUS_NOTICES__URLS", f'["json://127.0.0.1:{server.server_address[1]}"]')
        models(*APPROVED)
        models("promote", "1")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert [notice["title"] for notice in received] == [
        "lesions/1 is approved by Dr. Rossi.",
        "lesions/1 is champion now.",
    ]
    assert "CC BY-NC" in received[1]["message"]


def test_a_notice_that_can_not_be_sent_does_not_undo_the_change(models, monkeypatch):
    pytest.importorskip("apprise")
    monkeypatch.setenv("NEVUS_NOTICES__URLS", '["nosuch://x"]')
    assert "nobody was notified: notices.urls[0]" in models(*APPROVED).stderr
    assert json.loads(models("show", "1", "--json").stdout)["state"] == "approved"


def test_a_mirror_says_as_json_what_it_changed(nevus):
    made = json.loads(nevus("models", "mirror", "--json").stdout)
    assert (made["created"], made["tagged"] > 0) == (3, True)
    again = json.loads(nevus("models", "mirror", "--json").stdout)
    assert again == {"created": 0, "tagged": 0, "aliased": 0}


def test_a_mirror_that_is_switched_off_does_not_say_that_all_is_up_to_date(nevus, monkeypatch):
    monkeypatch.setenv("NEVUS_TRACKING__ENABLED", "false")
    done = nevus("models", "mirror", exit=EXIT_BAD_INPUT)
    assert done.stdout == ""
    assert "tracking is off (NEVUS_TRACKING__ENABLED)" in done.stderr


def test_an_mlflow_that_is_not_there_is_not_made_by_a_move(models, home):
    models(*APPROVED)
    assert not (home / "mlflow.db").exists()


def test_the_audit_is_verified_and_a_row_changed_by_hand_is_named(models, nevus, home):
    import sqlite3

    models(*APPROVED)
    clean = nevus("audit", "verify").stdout
    assert clean.startswith("4 rows, intact. Head: 4:")
    head = clean.split()[-1]
    nevus("audit", "verify", "--head", head)
    assert "SEQUENCE:HASH" in nevus("audit", "verify", "--head", "x", exit=EXIT_BAD_INPUT).stderr
    with sqlite3.connect(home / "nevus.db") as connection:
        connection.execute("DROP TRIGGER audit_refuses_update")
        connection.execute("UPDATE audit SET actor = 'somebody else' WHERE sequence = 4")
        connection.execute("UPDATE model_versions SET state = 'champion' WHERE number = 2")
    found = nevus("audit", "verify", exit=EXIT_FAILED).stdout
    assert "problem: row 4 was changed" in found
    assert "problem: lesions/2 is champion, and no move in the audit made it so" in found
    record = json.loads(nevus("audit", "verify", "--json", exit=EXIT_FAILED).stdout)
    assert (record["intact"], record["rows"], record["problems"][0]["row"]) == (False, 4, 4)


@pytest.mark.parametrize(
    "command", ["list", "show", "compare", "approve", "promote", "rollback", "challenger", "retire", "mirror"]
)
def test_every_command_has_help_with_an_example(models, command):
    assert "Example: nevus models" in models(command, "--help").stdout
