"""Prepared images are read at random, from any thread or process, and never from a folder that isn't whole."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nevus.data.prepare import PreparedError, PreparedImages, PrepareSettings, UnknownImageError, prepare
from nevus.imaging import decode_image, resize_short_side

MakeImages = Callable[..., pl.DataFrame]


@pytest.fixture
def prepared(make_images: MakeImages, tmp_path: Path) -> Callable[..., tuple[pl.DataFrame, PreparedImages]]:
    def build(encoding: str = "raw", count: int = 10) -> tuple[pl.DataFrame, PreparedImages]:
        table = make_images(count)
        settings = PrepareSettings(short_side=32, encoding=encoding, images_per_shard=4, workers=2)
        prepare(table, settings, tmp_path / "p")
        return table, PreparedImages.open(tmp_path / "p")

    return build


def expected(uri: str) -> np.ndarray:
    return resize_short_side(decode_image(Path(uri).read_bytes(), min_short_side=32).pixels, 32)


def test_raw_shards_give_the_exact_pixels_of_every_image(prepared) -> None:
    table, images = prepared("raw")
    assert len(images) == 10
    for image_id, uri, _ in table.iter_rows():
        assert np.array_equal(images.pixels(images.index_of(image_id)), expected(uri))
        assert np.array_equal(images.pixels_of(image_id), expected(uri))


def test_jpeg_shards_give_nearly_the_same_pixels(prepared) -> None:
    table, images = prepared("jpeg")
    for image_id, uri, _ in table.iter_rows():
        difference = images.pixels_of(image_id).astype(int) - expected(uri)
        assert np.abs(difference).mean() < 2


def test_raw_pixels_are_views_of_the_mapped_file(prepared) -> None:
    _, images = prepared("raw")
    first, again = images.pixels(7), images.pixels(7)
    assert np.shares_memory(first, again)
    assert not first.flags.writeable


def test_decoded_pixels_belong_to_the_caller(prepared) -> None:
    _, images = prepared("jpeg")
    pixels = images.pixels(3)
    pixels[:] = 0
    assert images.pixels(3).any()


def test_sizes_are_known_without_decoding(prepared) -> None:
    _, images = prepared("jpeg")
    height, width, _ = images.pixels(5).shape
    assert images.size(5) == (width, height)


def test_an_unknown_image_is_an_error_that_names_it(prepared) -> None:
    _, images = prepared()
    with pytest.raises(UnknownImageError, match="image nobody is not among the 10 prepared ones"):
        images.index_of("nobody")
    with pytest.raises(IndexError):
        images.pixels(10)


@pytest.mark.parametrize("encoding", ["raw", "jpeg"])
def test_many_threads_read_the_same_as_one(prepared, encoding: str) -> None:
    _, images = prepared(encoding)
    order = np.random.default_rng(0).integers(0, len(images), 400)
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(images.pixels, order))
    assert all(np.array_equal(pixels, images.pixels(k)) for k, pixels in zip(order, read, strict=True))


def test_a_forked_child_reads_the_same(prepared) -> None:
    _, images = prepared("jpeg")
    here = images.pixels(6)
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(send, b"1" if np.array_equal(images.pixels(6), here) else b"0")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(receive, 1) == b"1"


def test_a_process_that_was_not_forked_opens_the_same_files(prepared, tmp_path: Path) -> None:
    _, images = prepared("raw")
    (tmp_path / "images.pickle").write_bytes(pickle.dumps(images))
    code = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb')).pixels(6).sum())"
    command = [sys.executable, "-c", code, str(tmp_path / "images.pickle")]
    assert int(subprocess.run(command, capture_output=True, check=True).stdout) == images.pixels(6).sum()


def test_only_a_few_bytes_travel_to_a_worker(prepared) -> None:
    _, images = prepared("raw")
    assert len(pickle.dumps(images)) < 1000


def test_no_file_stays_open(prepared) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc")
    _, images = prepared("raw")
    names = [str(p.readlink()) for p in Path("/proc/self/fd").iterdir() if p.is_symlink() and p.exists()]
    assert not [n for n in names if n.endswith(".arrow")]
    assert images.pixels(0).any()


def test_where_nothing_was_prepared_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(PreparedError, match=r"no prepared images at .*nevus step prepare"):
        PreparedImages.open(tmp_path)


def test_an_unfinished_folder_is_refused(prepared, tmp_path: Path) -> None:
    prepared()
    path = tmp_path / "p" / "index.json"
    index = json.loads(path.read_text())
    index["shards"] = index["shards"][:2]
    path.write_text(json.dumps(index))
    with pytest.raises(PreparedError, match="not finished: 2 of 3 shards"):
        PreparedImages.open(tmp_path / "p")


@pytest.mark.parametrize("damage", ["missing", "short"])
def test_a_shard_that_is_not_whole_is_refused_by_name(prepared, tmp_path: Path, damage: str) -> None:
    prepared()
    shard = tmp_path / "p" / "shard-00002.arrow"
    if damage == "missing":
        shard.unlink()
    else:
        shard.write_bytes(shard.read_bytes()[:-8])
    with pytest.raises(PreparedError, match=r"shard-00002\.arrow .*nevus step prepare"):
        PreparedImages.open(tmp_path / "p")


def test_a_shard_of_the_right_size_that_is_no_shard_is_refused(prepared, tmp_path: Path) -> None:
    prepared()
    shard = tmp_path / "p" / "shard-00000.arrow"
    shard.write_bytes(bytes(shard.stat().st_size))
    with pytest.raises(PreparedError, match=r"shard-00000\.arrow is damaged"):
        PreparedImages.open(tmp_path / "p")


def test_a_newer_format_is_refused(prepared, tmp_path: Path) -> None:
    prepared()
    path = tmp_path / "p" / "index.json"
    path.write_text(path.read_text().replace('"format_version": 1', '"format_version": 2'))
    with pytest.raises(PreparedError, match=r"newer nevus \(format 2"):
        PreparedImages.open(tmp_path / "p")
