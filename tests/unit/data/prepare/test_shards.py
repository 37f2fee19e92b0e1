"""A shard is a plain Arrow IPC file that any reader of Arrow understands."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from nevus.data.prepare.shards import BATCH_BYTES, PreparedImage, shard_name, write_shard
from nevus.data.prepare.storage import LocalStorage


def _rows(count: int, size: int = 10) -> list[PreparedImage]:
    return [PreparedImage(f"im_{k}", k + 1, 2, "jpeg", bytes([k % 256]) * size) for k in range(count)]


def test_arrow_reads_one_row_an_image(tmp_path: Path) -> None:
    write_shard(LocalStorage(tmp_path), "s.arrow", _rows(3))
    table = pa.ipc.open_file(str(tmp_path / "s.arrow")).read_all()
    assert table.column_names == ["image_id", "width", "height", "encoding", "data"]
    assert table.slice(1, 1).to_pylist() == [
        {"image_id": "im_1", "width": 2, "height": 2, "encoding": "jpeg", "data": b"\x01" * 10}
    ]


def test_the_entry_tells_rows_bytes_and_hash_of_the_file(tmp_path: Path) -> None:
    entry = write_shard(LocalStorage(tmp_path), "s.arrow", _rows(5))
    content = (tmp_path / "s.arrow").read_bytes()
    assert (entry.rows, entry.bytes, entry.sha256) == (5, len(content), hashlib.sha256(content).hexdigest())


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    hashes = {write_shard(LocalStorage(tmp_path), name, _rows(50)).sha256 for name in ("a.arrow", "b.arrow")}
    assert len(hashes) == 1


def test_large_shards_go_to_the_file_piece_by_piece(tmp_path: Path) -> None:
    write_shard(LocalStorage(tmp_path), "s.arrow", _rows(20, size=BATCH_BYTES // 4))
    with pa.ipc.open_file(str(tmp_path / "s.arrow")) as file:
        assert [file.get_batch(k).num_rows for k in range(file.num_record_batches)] == [4] * 5


def test_a_failure_half_way_leaves_no_file(tmp_path: Path) -> None:
    def rows():
        yield from _rows(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shard(LocalStorage(tmp_path), "s.arrow", rows())
    assert list(tmp_path.iterdir()) == []


def test_names_sort_as_their_numbers() -> None:
    names = [shard_name(k) for k in (0, 9, 10, 99_999)]
    assert names == sorted(names)
