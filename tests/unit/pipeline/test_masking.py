"""Passwords that a command or a setting holds are written nowhere."""

from __future__ import annotations

import json
import os
import sys

import pytest
from pydantic import BaseModel

from nevus.pipeline.loading import SettingsError, load_settings
from nevus.pipeline.lock import FILE, FolderLockedError, folder_lock
from nevus.pipeline.masking import command_line, masked
from nevus.pipeline.run_settings import claim_folder
from nevus.pipeline.settings import RunSettings

COMMAND = [
    "/usr/bin/nevus",
    "run",
    "a config.yaml",
    "--set",
    "store.url=postgresql://u:hush@db/nevus",
    "--set=tracking.uri=https://u:hush@host",
    "--set",
    "notices.urls=[json://host/hush]",
    "--set",
    "store={url: 'sqlite:///hush'}",
    "--set",
    "data.root=https://u:hush@host/a",
    "--set",
    "training.epochs=3",
]


def test_a_command_is_shown_without_the_values_of_secret_sections_and_without_passwords():
    shown = command_line(COMMAND)
    assert "hush" not in shown
    assert shown == (
        "nevus run 'a config.yaml' --set 'store.url=***' '--set=tracking.uri=***' --set 'notices.urls=***' "
        "--set 'store=***' --set 'data.root=https://u:***@host/a' --set training.epochs=3"
    )


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql+psycopg://me:p@ss:w0rd@host:5432/db", "postgresql+psycopg://me:***@host:5432/db"),
        ("redis://:word@host", "redis://:***@host"),
        ("https://host:8080/a@b:c", "https://host:8080/a@b:c"),
        ("s3://bucket/key", "s3://bucket/key"),
    ],
)
def test_only_the_password_of_an_address_is_replaced(address, shown):
    assert masked({"a": [address, 3], "b": {"c": address}}) == {"a": [shown, 3], "b": {"c": shown}}


def test_the_lock_file_and_its_refusal_tell_no_password(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", COMMAND)
    with folder_lock(tmp_path):
        held = json.loads((tmp_path / FILE).read_text())
        with pytest.raises(FolderLockedError) as refused, folder_lock(tmp_path):
            pass
    assert held["pid"] == os.getpid()
    assert held["command"].startswith("nevus run 'a config.yaml'")
    assert "hush" not in held["command"] + str(refused.value)


def test_the_settings_that_a_folder_keeps_hold_no_password(tmp_path):
    class Data(BaseModel):
        data: dict[str, str]

    told = Data(data={"root": "https://u:hush@host/a"})
    claim_folder(tmp_path, told)
    written = "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    assert "https://u:***@host/a" in written
    assert "hush" not in written
    assert claim_folder(tmp_path, told) == ()


@pytest.mark.parametrize("given", ["store.url={a: hush}", "store.url='hush", "notices.urls=[3, hush]"])
def test_a_secret_that_cannot_be_read_is_not_repeated(given):
    with pytest.raises(SettingsError) as refused:
        load_settings(RunSettings, None, [given, "notices.urls.x=hush"], {})
    assert "hush" not in str(refused.value)
    assert given.partition("=")[0] in str(refused.value)
