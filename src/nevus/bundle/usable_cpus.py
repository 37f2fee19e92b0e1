"""How many processors this process may really use."""

from __future__ import annotations

import os
from pathlib import Path

_CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")


def usable_cpus(limit_file: Path = _CGROUP_LIMIT) -> int:
    """Processors that the scheduler's affinity and the container's quota leave to this process; at least 1.

    A container that is limited to 2 processors on a host of 64 still sees 64; a pool of 64 threads would thrash.
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = limit_file.read_text().split()
        count = min(count, -(-int(quota) // int(period)))
    except (OSError, ValueError):  # no cgroup, or "max": no limit
        pass
    return max(1, count)
