"""Preparing is deterministic, restartable, bounded in memory, and mixes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from nevus.data.prepare import PreparedError, PreparedImages, PrepareSettings, prepare
from nevus.errors import EXIT_BAD_INPUT, EXIT_FAILED, StorageFullError

MakeImages = Callable[..., pl.DataFrame]
SETTINGS = PrepareSettings(short_side=32, images_per_shard=4, workers=2)


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_every_image_is_there_in_the_order_of_ids(make_images: MakeImages, tmp_path: Path) -> None:
    summary = prepare(make_images(10), SETTINGS, tmp_path / "p")
    assert (summary.images, summary.shards, summary.kept) == (10, 3, 0)
    assert sorted(hashes(tmp_path / "p")) == ["index.json", *(f"shard-{k:05d}.arrow" for k in range(3))]
    assert PreparedImages.open(tmp_path / "p").ids == tuple(f"im_{k:05d}" for k in range(10))


def test_the_summary_counts_the_bytes_of_the_shards(make_images: MakeImages, tmp_path: Path) -> None:
    summary = prepare(make_images(5), SETTINGS, tmp_path / "p")
    assert summary.bytes == sum(p.stat().st_size for p in (tmp_path / "p").glob("*.arrow"))


def test_neither_the_order_of_rows_nor_the_threads_change_a_byte(make_images: MakeImages, tmp_path: Path) -> None:
    table = make_images(10)
    prepare(table, SETTINGS, tmp_path / "a")
    prepare(table.reverse(), SETTINGS.model_copy(update={"workers": 5}), tmp_path / "b")
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")


def test_labels_are_no_part_of_prepared_images(make_images: MakeImages, tmp_path: Path) -> None:
    table = make_images(4)
    prepare(table.with_columns(diagnosis=pl.lit("nv")), SETTINGS, tmp_path / "p")
    assert prepare(table.with_columns(diagnosis=pl.lit("mel")), SETTINGS, tmp_path / "p").kept == 1


def test_progress_counts_up_to_all(make_images: MakeImages, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    prepare(make_images(9), SETTINGS, tmp_path / "p", lambda done, total: told.append((done, total)))
    assert told == [(k, 9) for k in range(1, 10)]


def test_a_finished_preparation_is_kept_as_it_is(make_images: MakeImages, tmp_path: Path) -> None:
    table = make_images(10)
    prepare(table, SETTINGS, tmp_path / "p")
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "p").glob("*.arrow")}
    told: list[tuple[int, int]] = []
    assert prepare(table, SETTINGS, tmp_path / "p", lambda *at: told.append(at)).kept == 3
    assert {p.name: p.stat().st_mtime_ns for p in (tmp_path / "p").glob("*.arrow")} == before
    assert told == [(10, 10)]


KILLED = """
    import os, signal, sys
    import polars as pl
    from nevus.data.prepare import PrepareSettings, prepare

    table, out, last = sys.argv[1:]
    settings = PrepareSettings(short_side=32, images_per_shard=4, workers=2)
    prepare(pl.read_parquet(table), settings, out,
            lambda done, total: os.kill(os.getpid(), signal.SIGKILL) if done == int(last) else None)
"""


@pytest.mark.parametrize("last", [4, 10])
def test_after_kill_9_the_same_call_ends_with_the_same_bytes(
    make_images: MakeImages, tmp_path: Path, last: int
) -> None:
    table = make_images(18)
    table.write_parquet(tmp_path / "table.parquet")
    prepare(table, SETTINGS, tmp_path / "whole")
    arguments = [str(tmp_path / "table.parquet"), str(tmp_path / "killed"), str(last)]
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), *arguments], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert hashes(tmp_path / "killed") != hashes(tmp_path / "whole")
    # progress is told before the row is written, so the fourth image doesn't finish its shard yet
    assert prepare(table, SETTINGS, tmp_path / "killed").kept == (last - 1) // 4
    assert hashes(tmp_path / "killed") == hashes(tmp_path / "whole")


@pytest.mark.parametrize("damage", ["flip", "truncate", "delete"])
def test_only_a_damaged_shard_is_made_anew(make_images: MakeImages, tmp_path: Path, damage: str) -> None:
    table = make_images(12)
    prepare(table, SETTINGS, tmp_path / "p")
    whole = hashes(tmp_path / "p")
    shard = tmp_path / "p" / "shard-00001.arrow"
    content = bytearray(shard.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
        shard.write_bytes(content)
    elif damage == "truncate":
        shard.write_bytes(content[:-1])
    else:
        shard.unlink()
    assert prepare(table, SETTINGS, tmp_path / "p").kept == 2
    assert hashes(tmp_path / "p") == whole


def test_other_settings_in_an_old_folder_are_refused_and_named(make_images: MakeImages, tmp_path: Path) -> None:
    table = make_images(5)
    prepare(table, SETTINGS, tmp_path / "p")
    before = hashes(tmp_path / "p")
    with pytest.raises(PreparedError, match=r"short_side was 32, now 40\. .*another folder") as refused:
        prepare(table, SETTINGS.model_copy(update={"short_side": 40}), tmp_path / "p")
    assert refused.value.exit_code == EXIT_BAD_INPUT
    assert hashes(tmp_path / "p") == before


def test_other_images_in_an_old_folder_are_refused(make_images: MakeImages, tmp_path: Path) -> None:
    table = make_images(5)
    prepare(table, SETTINGS, tmp_path / "p")
    with pytest.raises(PreparedError, match="5 were prepared, 4 are asked for"):
        prepare(table.head(4), SETTINGS, tmp_path / "p")


def test_redo_replaces_them_and_leaves_nothing_of_the_old(make_images: MakeImages, tmp_path: Path) -> None:
    table = make_images(10)
    prepare(table, SETTINGS, tmp_path / "p")
    (tmp_path / "p" / "notes.txt").write_text("somebody's own file")
    larger = SETTINGS.model_copy(update={"images_per_shard": 10})
    assert prepare(table, larger, tmp_path / "p", redo=True).kept == 0
    assert sorted(hashes(tmp_path / "p")) == ["index.json", "notes.txt", "shard-00000.arrow"]
    assert len(PreparedImages.open(tmp_path / "p")) == 10


def test_an_index_that_is_none_is_refused_unless_redone(make_images: MakeImages, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "index.json").write_text("{}")
    with pytest.raises(PreparedError, match="not an index of prepared images"):
        prepare(make_images(2), SETTINGS, tmp_path / "p")
    assert prepare(make_images(2), SETTINGS, tmp_path / "p", redo=True).images == 2


def test_no_rows_are_refused(make_images: MakeImages, tmp_path: Path) -> None:
    with pytest.raises(PreparedError, match="no rows"):
        prepare(make_images(1).head(0), SETTINGS, tmp_path / "p")


def test_an_id_in_two_rows_is_refused_by_name(make_images: MakeImages, tmp_path: Path) -> None:
    table = make_images(3)
    with pytest.raises(PreparedError, match="image id im_00001 stands in 2 rows"):
        prepare(pl.concat([table, table.slice(1, 1)]), SETTINGS, tmp_path / "p")


def test_a_bad_image_stops_the_work_and_what_was_finished_stays(make_images: MakeImages, tmp_path: Path) -> None:
    table = make_images(12)
    broken = Path(table["uri"][9])
    good = broken.read_bytes()
    broken.write_bytes(good[:-200])
    with pytest.raises(PreparedError, match="im_00009"):
        prepare(table, SETTINGS, tmp_path / "p")
    assert len(json.loads((tmp_path / "p" / "index.json").read_text())["shards"]) == 2
    broken.write_bytes(good)
    assert prepare(table, SETTINGS, tmp_path / "p").kept == 2


MEMORY = """
    import resource, sys
    import polars as pl
    from nevus.data.prepare import PrepareSettings, prepare

    source, count, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    table = pl.DataFrame({"image_id": [f"im_{k:06d}" for k in range(count)], "uri": [source] * count})
    table = table.with_columns(sha256=pl.lit(None, pl.String))
    prepare(table, PrepareSettings(short_side=32, encoding="raw", images_per_shard=512, workers=2), out)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def test_memory_does_not_grow_with_the_images(make_images: MakeImages, tmp_path: Path) -> None:
    """400,000 images must fit into 2 GB: beyond the libraries' own share, no more than 2 kB an image."""
    source = make_images(1, 128, 128)["uri"][0]

    def peak(count: int) -> int:
        arguments = [source, str(count), str(tmp_path / str(count))]
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(MEMORY), *arguments], check=True, capture_output=True, timeout=120
        )
        return int(done.stdout)

    few, many = 300, 4300
    assert (peak(many) - peak(few)) / (many - few) < 2000


FILLED = """
    import resource, sys
    import polars as pl
    from nevus.data.prepare import PrepareSettings, prepare

    table, out, limit = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    settings = PrepareSettings(short_side=512, encoding="raw", images_per_shard=4, workers=2)
    try:
        prepare(pl.read_parquet(table), settings, out)
    except Exception as error:
        print(type(error).__name__, error.exit_code, error)
"""


def test_a_file_that_may_not_grow_any_more_is_a_full_disk(make_images: MakeImages, tmp_path: Path) -> None:
    """The third shard is the one that doesn't fit; the first two stay, and with room the work goes on."""
    table = pl.concat([make_images(8, 64, 64), make_images(1, 256, 256, first=8)])
    table.write_parquet(tmp_path / "t.parquet")
    arguments = [str(tmp_path / "t.parquet"), str(tmp_path / "p"), "100000"]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FILLED), *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"StorageFullError {EXIT_FAILED} there is no room left to write")
    assert sorted(hashes(tmp_path / "p")) == ["index.json", "shard-00000.arrow", "shard-00001.arrow"]
    settings = PrepareSettings(short_side=512, encoding="raw", images_per_shard=4)
    assert prepare(table, settings, tmp_path / "p").kept == 2
    assert len(PreparedImages.open(tmp_path / "p")) == 9


def test_a_full_disk_keeps_the_finished_shards(make_images: MakeImages, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = os.geteuid() == 0 and _mount(disk)
    if not mounted:
        pytest.skip("needs the right to mount a tmpfs of 256 kB")
    try:
        table = make_images(64, 64, 64)
        settings = PrepareSettings(short_side=64, encoding="raw", images_per_shard=4, workers=2)
        with pytest.raises(StorageFullError, match="no room left") as full:
            prepare(table, settings, disk / "p")
        assert full.value.exit_code == EXIT_FAILED
        finished = len(json.loads((disk / "p" / "index.json").read_text())["shards"])
        assert finished >= 3
        assert not list((disk / "p").glob("*.partial"))
        subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
        assert prepare(table, settings, disk / "p").kept == finished
        prepare(table, settings, tmp_path / "elsewhere")
        assert hashes(disk / "p") == hashes(tmp_path / "elsewhere")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _mount(folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_exchanged_channels_are_put_back_and_are_other_images(make_images: MakeImages, tmp_path: Path) -> None:
    rows = make_images(3)
    swapped = rows.with_columns(pl.lit("bgr").alias("channels"))
    settings = PrepareSettings(short_side=48, encoding="raw", workers=1)
    prepare(rows, settings, tmp_path / "as-they-are")
    prepare(swapped, settings, tmp_path / "put-back")
    plain, back = (PreparedImages.open(tmp_path / name) for name in ("as-they-are", "put-back"))
    for image_id in rows["image_id"]:
        assert np.array_equal(back.pixels_of(image_id), plain.pixels_of(image_id)[:, :, ::-1])
    with pytest.raises(PreparedError, match="the images differ"):
        prepare(swapped, settings, tmp_path / "as-they-are")
    no_word = rows.with_columns(pl.lit(None, dtype=pl.String).alias("channels"))
    assert prepare(no_word, settings, tmp_path / "as-they-are").kept == 1


def test_an_image_that_the_check_let_pass_is_prepared_whatever_its_size(tmp_path: Path) -> None:
    width, height = 8400, 7700
    Image.new("1", (width, height), 1).save(tmp_path / "large.png")
    rows = pl.DataFrame({"image_id": ["large"], "uri": [str(tmp_path / "large.png")], "sha256": [None]})
    settings = PrepareSettings(short_side=77, workers=1)
    with pytest.raises(PreparedError, match="more than the 64 million that are allowed"):
        prepare(rows, settings, tmp_path / "out")
    checked = rows.with_columns(width=pl.lit(width, pl.Int32), height=pl.lit(height, pl.Int32))
    prepare(checked, settings, tmp_path / "out")
    assert PreparedImages.open(tmp_path / "out").pixels_of("large").shape == (77, 84, 3)
