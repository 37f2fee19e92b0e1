"""Names for rows: UUIDs whose order is that of their making."""

from __future__ import annotations

import os
import time
import uuid


def new_id() -> str:
    """A UUID of version 7 (RFC 9562): milliseconds since 1970, then 74 random bits; as text it sorts by time."""
    value = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
