"""Writing one shard: an Arrow IPC file, one row an image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from nevus.data.prepare.index import ShardEntry
from nevus.data.prepare.settings import Encoding
from nevus.data.prepare.storage import PreparedStorage

SCHEMA: Final = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("encoding", pa.string(), nullable=False),
        pa.field("data", pa.large_binary(), nullable=False),
    ]
)
BATCH_BYTES: Final = 8 << 20
"""Rows are handed to the file when they come to so many bytes: what a shard costs in memory, whatever its size."""


@dataclass(frozen=True)
class PreparedImage:
    """One row of a shard: `data` is a JPEG file, or height * width * 3 bytes of RGB."""

    image_id: str
    width: int
    height: int
    encoding: Encoding
    data: bytes


def shard_name(number: int) -> str:
    """The file name of a shard, counted from 0."""
    return f"shard-{number:05d}.arrow"


def write_shard(storage: PreparedStorage, name: str, rows: Iterable[PreparedImage]) -> ShardEntry:
    """Write the rows as one shard; the same rows give the same bytes.

    Raises:
        StorageFullError: there is no room; nothing of the shard remains.
    """
    count = held = 0
    waiting: list[PreparedImage] = []
    with storage.writing(name) as out:
        with pa.ipc.new_file(pa.PythonFile(out, "w"), SCHEMA) as file:
            for row in rows:
                waiting.append(row)
                count, held = count + 1, held + len(row.data)
                if held >= BATCH_BYTES:
                    file.write_batch(_batch(waiting))
                    waiting, held = [], 0
            if waiting:
                file.write_batch(_batch(waiting))
        written = out.bytes, out.sha256
    return ShardEntry(name=name, rows=count, bytes=written[0], sha256=written[1])


def _batch(rows: list[PreparedImage]) -> pa.RecordBatch:
    columns = [[getattr(row, field.name) for row in rows] for field in SCHEMA]
    return pa.record_batch(
        [pa.array(values, type=field.type) for values, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )
