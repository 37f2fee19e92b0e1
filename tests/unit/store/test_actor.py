from __future__ import annotations

import getpass
import os

from nevus.store import current_actor


def test_automation_gives_itself_a_name(monkeypatch):
    monkeypatch.setenv("NEVUS_ACTOR", " nightly-retraining ")
    assert current_actor() == "nightly-retraining"


def test_otherwise_the_user_acts(monkeypatch):
    monkeypatch.setenv("NEVUS_ACTOR", "")
    assert current_actor() == getpass.getuser()


def test_a_number_without_a_user_still_has_a_name(monkeypatch):
    def nobody():
        raise OSError("No username set in the environment")

    monkeypatch.delenv("NEVUS_ACTOR", raising=False)
    monkeypatch.setattr(getpass, "getuser", nobody)
    assert current_actor() == f"uid-{os.getuid()}"
