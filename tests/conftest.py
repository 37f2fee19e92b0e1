"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ("s3_server",)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real development data, or a skip that says why."""
    named = os.environ.get("NEVUS_SHARED")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data" / "ham10000").is_dir():
        pytest.skip(f"needs real images, which may not be distributed: none at {folder} (set NEVUS_SHARED)")
    return folder
