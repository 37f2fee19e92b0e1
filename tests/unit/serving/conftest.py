"""A service that all tests of this folder share, and the means to start one of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from serving_factory import Served, serving, tiny_bundle


@pytest.fixture(scope="session")
def serving_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny bundle; no test may change it."""
    return tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, serving_bundle: Path) -> Iterator[Served]:
    """A running service. Other tests send it pictures too: ask for your own rows only, by request id or patient."""
    with serving(tmp_path_factory.mktemp("home"), serving_bundle) as running:
        yield running


@pytest.fixture
def own_service(tmp_path: Path, serving_bundle: Path) -> Iterator[Served]:
    """A running service that nobody else sends anything."""
    with serving(tmp_path / "home", serving_bundle) as running:
        yield running
