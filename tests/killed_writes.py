"""Writes of tables that stop in the middle of a walk, as a kill would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow.parquet as pq
import pytest


@contextmanager
def killed_after(tables: int) -> Iterator[None]:
    """So many parquet files are written; the next one raises KeyboardInterrupt, which the block must let through."""
    write, left = pq.write_table, iter(range(tables))

    def killed(*arguments: object) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        write(*arguments)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pq, "write_table", killed)
        with pytest.raises(KeyboardInterrupt):
            yield
