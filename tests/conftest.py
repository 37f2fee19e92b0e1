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


@pytest.hookimpl(trylast=True)  # when all that won't run has been taken out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal the files with slow tests out, each whole: every worker begins with its share, and ends with quick tests.

    Workers begin with equal parts of the list, and whoever is done takes from the end of another's. What takes long
    and is begun last would keep one worker while the others idle.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    files = sorted(slow, key=lambda path: (path.parent.name != "integration", str(path)))  # those take longest
    hands = [[item for path in files[n::workers] for item in items if item.path == path] for n in range(workers)]
    rest = [item for item in items if item.path not in slow]
    dealt: list[pytest.Item] = []
    for number, hand in enumerate(hands):
        part = (len(items) - len(dealt)) // (workers - number)
        few = max(0, part - len(hand))
        dealt += hand + rest[:few]
        rest = rest[few:]
    items[:] = dealt + rest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real development data, or a skip that says why."""
    named = os.environ.get("NEVUS_SHARED")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data" / "ham10000").is_dir():
        pytest.skip(f"needs real images, which may not be distributed: none at {folder} (set NEVUS_SHARED)")
    return folder
