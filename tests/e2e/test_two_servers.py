"""Two servers on one home, each its own process: what is decided at one holds at the other, and after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from nevus.store import Registry, StoreSettings, open_store
from rollout_factory import approved, bundles, wait_until
from serve_process import ServeProcess, serve
from serving_factory import drawn

pytestmark = pytest.mark.slow  # starts five servers
FOLLOW_SECONDS = 5.0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose champion is tiny/1; tiny/2 is approved."""
    with open_store(StoreSettings(home=tmp_path / "home")) as store:
        for bundle in bundles(tmp_path):
            approved(store, bundle)
        Registry(store).promote("tiny/1", by="test")
    return tmp_path / "home"


def asked(server: ServeProcess, model: str) -> tuple[int, Any]:
    answered = httpx2.post(
        f"{server.url}/v1/predictions",
        params={"model": model},
        content=drawn(),
        headers={"Content-Type": "image/jpeg"},
        timeout=30,
    )
    return answered.status_code, answered.json().get("version")


def change(server: ServeProcess, path: str) -> None:
    httpx2.post(f"{server.url}/v1/models/tiny/{path}", timeout=60).raise_for_status()


def test_what_is_loaded_at_one_server_is_at_the_other_and_after_a_restart_until_it_is_unloaded(home: Path) -> None:
    with serve(home) as other:
        with serve(home) as one:
            assert asked(other, "tiny/2")[0] == 404
            change(one, "2/load")
            assert asked(one, "tiny/2") == (200, 2)
            assert wait_until(lambda: asked(other, "tiny/2") == (200, 2)) < FOLLOW_SECONDS
        with serve(home) as again:
            assert wait_until(lambda: asked(again, "tiny/2") == (200, 2)) < FOLLOW_SECONDS
            change(other, "2/unload")
            assert asked(other, "tiny/2")[0] == 404
            assert wait_until(lambda: asked(again, "tiny/2")[0] == 404) < FOLLOW_SECONDS


def test_a_promotion_at_one_server_is_followed_by_the_other(home: Path) -> None:
    with serve(home) as one, serve(home) as other:
        change(one, "2/promote")
        assert asked(one, "champion") == (200, 2)
        assert wait_until(lambda: asked(other, "champion") == (200, 2)) < FOLLOW_SECONDS
