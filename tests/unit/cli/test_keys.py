from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from nevus.cli import app
from nevus.errors import EXIT_BAD_INPUT
from nevus.store import StoreSettings, entries, open_store
from nevus.store.keys import ApiKeys, RevokedKeyError


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("NEVUS_STORE__URL", raising=False)
    monkeypatch.setenv("NEVUS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NEVUS_ACTOR", "ops")
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path / "home"


@pytest.fixture
def keys(home):
    """Run `nevus keys`; `exit` is the code that it must end with."""

    def run(*arguments, exit=0):
        done = CliRunner().invoke(app, ("keys", *arguments))
        assert done.exit_code == exit, done.output
        assert "Traceback" not in done.output
        return done

    return run


def test_a_key_is_printed_alone_so_that_a_script_can_keep_it_and_opens(keys, home):
    made = keys("create", "--role", "clinician", "--name", "Dr. Rossi")
    text = made.stdout.rstrip("\n")
    with open_store(StoreSettings(home=home)) as store:
        key = ApiKeys(store).check(text)
        assert (key.name, key.role, key.expires_at, key.created_by) == ("Dr. Rossi", "clinician", None, "ops")
        assert [(e.actor, e.action) for e in entries(store)] == [("ops", "key.created")]
    assert f"nevus keys revoke {key.key_id}" in made.stderr
    assert text not in made.stderr
    for options in ((), ("--json",)):
        assert text not in keys("list", *options).output


def test_a_revoked_key_opens_nothing(keys, home):
    record = json.loads(keys("create", "--role", "reader", "--name", "x", "--json").stdout)
    assert keys("revoke", record["key_id"]).stdout == f"x's key {record['key_id']} is revoked.\n"
    with open_store(StoreSettings(home=home)) as store, pytest.raises(RevokedKeyError):
        ApiKeys(store).check(record["key"])
    (listed,) = json.loads(keys("list", "--json").stdout)
    assert (listed["key_id"], listed["state"]) == (record["key_id"], "revoked")
    assert json.loads(keys("revoke", record["key_id"], "--json").stdout)["revoked_at"] == listed["revoked_at"]


@pytest.mark.parametrize(("text", "hours"), [("12h", 12), ("90d", 90 * 24), ("4w", 4 * 7 * 24)])
def test_a_key_expires_after_the_span_that_is_asked_for(keys, text, hours):
    record = json.loads(keys("create", "--role", "reader", "--name", "x", "--expires", text, "--json").stdout)
    left = datetime.fromisoformat(record["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=hours) - timedelta(minutes=5) < left <= timedelta(hours=hours)


def test_a_key_expires_on_the_day_that_is_asked_for(keys):
    record = json.loads(keys("create", "--role", "reader", "--name", "x", "--expires", "2999-01-31", "--json").stdout)
    assert record["expires_at"] == "2999-01-31T00:00:00+00:00"
    shown = keys("list").stdout
    assert all(text in shown for text in (record["key_id"], "active", "2999-01-31"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "--role", "root", "--name", "x"), "reader, clinician, operator, admin"),
        (("create", "--role", "reader", "--name", " "), "owner's name"),
        (("create", "--role", "reader"), "--name"),
        (("create", "--role", "reader", "--name", "x", "--expires", "0d"), "write 12h, 90d, 4w"),
        (("create", "--role", "reader", "--name", "x", "--expires", "soon"), "write 12h, 90d, 4w"),
        (("create", "--role", "reader", "--name", "x", "--expires", "2020-01-31"), "is over"),
        (("revoke", "nobody"), "nevus keys list"),
    ],
)
def test_what_can_not_be_is_bad_usage_and_makes_nothing(keys, arguments, said):
    assert said in keys(*arguments, exit=EXIT_BAD_INPUT).stderr
    assert "no key; `nevus keys create" in keys("list").stdout


@pytest.mark.parametrize("command", ["create", "list", "revoke"])
def test_every_command_has_help_with_an_example(keys, command):
    assert "Example: nevus keys" in keys(command, "--help").stdout
