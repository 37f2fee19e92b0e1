"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ("s3_server",)

# An example's time says how busy the machine is, not whether the code is right.
settings.register_profile("nevus", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nevus")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, each whole: begun last, one of them would keep one worker while the other idles."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, item.path.parent.name != "integration"))  # those take longest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real development data, or a skip that says why."""
    named = os.environ.get("NEVUS_SHARED")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data" / "ham10000").is_dir():
        pytest.skip(f"needs real images, which may not be distributed: none at {folder} (set NEVUS_SHARED)")
    return folder
