"""How near preparing images comes to a bare loop of simplejpeg and resize, times the cores.

    python benchmarks/prepare.py [--images DIR] [--count N] [--json FILE]

The same images go, in turns within one run, through (1) a bare single-threaded loop: read, decode, resize; (2) the
reading half of `prepare` on all usable cores, whose rows are thrown away; (3) the same on processes instead of threads;
(4) the whole of `prepare`, as JPEG and raw. The figure is (2) / (cores * (1)); what encoding and writing add is stated
apart. Rates are medians over the rounds and ratios the medians of the rounds' own ratios, so that other work that
disturbs one round doesn't decide. On a machine that is busy all the time, the processor time an image costs is the
fairer measure; it is printed too.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl
import simplejpeg
from PIL import Image

from nevus.data.parallel import usable_cpus, windowed_map
from nevus.data.prepare import PrepareSettings, prepare
from nevus.data.prepare.encoding import SourceImage, encode, read_source, to_short_side
from nevus.data.prepare.shards import write_shard
from nevus.data.prepare.storage import LocalStorage
from nevus.imaging import DecodeLimits

LIMITS = DecodeLimits()
GOAL = 0.8
BARE, READING = "bare loop, one thread", "prepare without encoding"


def bare(sources: Sequence[SourceImage], short_side: int) -> None:
    """What one would write without nevus."""
    for source in sources:
        with open(source.uri, "rb") as file:  # noqa: PTH123 - the bare way
            data = file.read()
        pixels = simplejpeg.decode_jpeg(data, "RGB", min_height=short_side, min_width=short_side)
        height, width = pixels.shape[:2]
        scale = short_side / min(height, width)
        if scale < 1:
            size = round(width * scale), round(height * scale)
            np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))


def load(source: SourceImage, short_side: int) -> np.ndarray:
    """What `prepare` does before it encodes."""
    return to_short_side(read_source(source), short_side, LIMITS)


def load_size(source: SourceImage, short_side: int) -> int:
    """As `load`, without sending the pixels between processes."""
    return load(source, short_side).nbytes


def on_threads(sources: Sequence[SourceImage], short_side: int, workers: int) -> None:
    """The reading half of `prepare`."""
    for _ in windowed_map(partial(load, short_side=short_side), sources, workers=workers):
        pass


def on_processes(pool, sources: Sequence[SourceImage], short_side: int) -> None:
    """The same on processes; their results are not even sent back."""
    for _ in pool.imap(partial(load_size, short_side=short_side), sources, chunksize=8):
        pass


def whole(sources: Sequence[SourceImage], settings: PrepareSettings, folder: Path) -> None:
    """All of `prepare`, into a fresh folder."""
    shutil.rmtree(folder, ignore_errors=True)
    rows = [(f"{k:06d}", source.uri, source.sha256) for k, source in enumerate(sources)]
    table = pl.DataFrame(rows, schema={"image_id": pl.String, "uri": pl.String, "sha256": pl.String}, orient="row")
    prepare(table, settings, folder)


def alone(sources: Sequence[SourceImage], settings: PrepareSettings, folder: Path) -> tuple[float, float]:
    """Seconds for encoding and for writing all images, each by itself on one thread."""
    pixels = [load(source, settings.short_side) for source in sources]
    began = time.perf_counter()
    rows = [encode(source.image_id, p, settings) for source, p in zip(sources, pixels, strict=True)]
    encoded = time.perf_counter()
    write_shard(LocalStorage(folder), "alone.arrow", rows)
    return encoded - began, time.perf_counter() - encoded


def timed(work: Callable[[], object], count: int) -> tuple[float, float]:
    """Images per second, and milliseconds of processor time an image in this process."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return count / (time.perf_counter() - began), (time.process_time() - cpu) / count * 1000


def find_images(named: Path | None, folder: Path) -> list[Path]:
    """The named folder's images, else the real full-quality ones, else generated ones of that size."""
    shared = os.environ.get("NEVUS_SHARED") or str(Path(__file__).resolve().parents[2] / "shared")
    root = named or Path(shared) / "data" / "original-size"
    found = sorted(root.rglob("*.jpg"))
    if found or named:
        return found
    for k in range(21):
        y, x = np.mgrid[0:450, 0:600]
        noise = np.random.default_rng(k).normal(0, 12, (450, 600, 3))
        picture = np.stack([150 + 60 * np.sin(x / 60 + k), 110 + 40 * np.cos(y / 50), 100 + x / 12], axis=-1) + noise
        data = simplejpeg.encode_jpeg(np.clip(picture, 0, 255).astype(np.uint8), quality=97, colorsubsampling="444")
        (folder / f"generated-{k:02d}.jpg").write_bytes(data)
    return sorted(folder.glob("generated-*.jpg"))


def measure(paths: Sequence[Path], count: int, short_side: int, rounds: int, folder: Path) -> dict[str, object]:
    """All arms in turns; rates are images per second."""
    sources = [SourceImage(f"{k:06d}", str(paths[k % len(paths)]), None) for k in range(count)]
    cores = usable_cpus()
    jpeg = PrepareSettings(short_side=short_side)
    raw = PrepareSettings(short_side=short_side, encoding="raw")
    rounds_of: dict[str, list[tuple[float, float]]] = {}
    with get_context("spawn").Pool(cores) as pool:
        on_processes(pool, sources[: 16 * cores], short_side)  # start and warm up
        arms: dict[str, Callable[[], object]] = {
            BARE: lambda: bare(sources, short_side),
            READING: lambda: on_threads(sources, short_side, cores),
            "the same on processes": lambda: on_processes(pool, sources, short_side),
            "prepare, whole, jpeg": lambda: whole(sources, jpeg, folder / "jpeg"),
            "prepare, whole, raw": lambda: whole(sources, raw, folder / "raw"),
        }
        for _ in range(rounds):
            for name, work in arms.items():
                rounds_of.setdefault(name, []).append(timed(work, count))
    rates = {name: statistics.median(value for value, _ in values) for name, values in rounds_of.items()}
    ratios = {
        name: statistics.median(
            value / (cores * base) for (value, _), (base, _) in zip(values, rounds_of[BARE], strict=True)
        )
        for name, values in rounds_of.items()
    }
    cpu = {name: min(value for _, value in values) for name, values in rounds_of.items() if "processes" not in name}
    apart = {s.encoding: alone(sources[: min(count, 300)], s, folder) for s in (jpeg, raw)}
    return {
        "images": len(paths),
        "count": count,
        "mean_bytes": round(sum(p.stat().st_size for p in paths) / len(paths)),
        "short_side": short_side,
        "cores": cores,
        "images_per_second": rates,
        "of_cores_times_bare": ratios,
        "processor_milliseconds_an_image": cpu,
        "milliseconds_an_image_on_one_thread": {
            f"{what}, {encoding}": seconds / min(count, 300) * 1000
            for encoding, pair in apart.items()
            for what, seconds in zip(("encoding", "writing"), pair, strict=True)
        },
        "goal": GOAL,
        "met": ratios[READING] >= GOAL,
    }


def show(result: dict[str, object]) -> None:
    """A table for people."""
    print(
        f"{result['count']} images ({result['images']} files, {result['mean_bytes']:,} bytes on average) "
        f"to a short side of {result['short_side']} on {result['cores']} cores"
    )
    shares, cpu = result["of_cores_times_bare"], result["processor_milliseconds_an_image"]
    for name, value in result["images_per_second"].items():
        cost = f"   {cpu[name]:6.2f} ms of processor time" if name in cpu else ""
        print(f"  {name:<28} {value:8.1f} images/s   {shares[name]:6.1%} of cores x bare{cost}")
    for name, value in result["milliseconds_an_image_on_one_thread"].items():
        print(f"  {name:<28} {value:8.2f} ms an image, one thread")
    print(f"  goal: prepare without encoding >= {GOAL:.0%}: {'met' if result['met'] else 'MISSED'}")


def main() -> int:
    """Exit code 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, help="folder of JPEG files (searched below)")
    parser.add_argument("--count", type=int, default=400, help="images a round; the files are repeated")
    parser.add_argument("--short-side", type=int, default=288)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = find_images(arguments.images, Path(folder))
        if not paths:
            parser.error(f"no *.jpg below {arguments.images}")
        result = measure(paths, arguments.count, arguments.short_side, arguments.rounds, Path(folder))
    show(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0 if result["met"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
