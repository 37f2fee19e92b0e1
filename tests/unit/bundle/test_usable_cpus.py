"""A pool is as large as what the container really gets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nevus.bundle.usable_cpus import usable_cpus


@pytest.mark.parametrize(("content", "limit"), [("100000 100000", 1), ("150000 100000", 2), ("50000 100000", 1)])
def test_the_containers_quota_limits(tmp_path: Path, content: str, limit: int) -> None:
    path = tmp_path / "cpu.max"
    path.write_text(content)
    assert usable_cpus(path) == min(limit, len(os.sched_getaffinity(0)))


@pytest.mark.parametrize("content", ["max 100000", "", "nonsense"])
def test_without_a_quota_the_affinity_counts(tmp_path: Path, content: str) -> None:
    path = tmp_path / "cpu.max"
    path.write_text(content)
    assert usable_cpus(path) == usable_cpus(tmp_path / "absent") == len(os.sched_getaffinity(0))
