"""Preparing a manifest's images: decoded and resized once, into shards that training reads at random."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import polars as pl

from nevus.data.parallel import usable_cpus, windowed_map
from nevus.data.pixels import limits_of
from nevus.data.prepare.encoding import SourceImage, prepare_image
from nevus.data.prepare.index import INDEX, PreparedError, PreparedIndex, ShardEntry, read_index, write_index
from nevus.data.prepare.settings import PrepareSettings
from nevus.data.prepare.shards import PreparedImage, shard_name, write_shard
from nevus.data.prepare.storage import PreparedStorage, open_storage
from nevus.imaging import DecodeLimits
from nevus.settings import fingerprint

Progress = Callable[[int, int], None]
"""Told the number of images done and of all images."""


@dataclass(frozen=True)
class PreparedSummary:
    """What preparing did.

    Attributes:
        uri: where the prepared images are.
        images: all of them.
        shards: all of them.
        kept: shards that an earlier run had finished.
        bytes: of all shards.
        fingerprint: SHA-256 (hex) of settings and content.
        seconds: wall clock of this run.
    """

    uri: str
    images: int
    shards: int
    kept: int
    bytes: int
    fingerprint: str
    seconds: float


def prepare(
    manifest: pl.DataFrame,
    settings: PrepareSettings,
    output: str | Path,
    progress: Progress | None = None,
    *,
    limits: DecodeLimits | None = None,
    redo: bool = False,
) -> PreparedSummary:
    """Decode every image once, resize its short side and write it into Arrow shards, ordered by image id.

    A run that was killed is continued by calling again: finished shards are checked and kept, the others made, and
    the bytes are those of an uninterrupted run. Memory doesn't grow with the number of images beyond their ids.

    Args:
        manifest: rows with `image_id, uri, sha256`, and `channels, width, height` where they are known.
        settings: size, encoding, shards.
        output: local folder or `s3://` prefix; holds `index.json` and `shard-*.arrow`.
        progress: called in this thread after every image.
        limits: which images are refused by their header; None for those under which the manifest was checked.
        redo: throw away what is there if it was made with other settings or images, instead of refusing.

    Raises:
        PreparedError: no rows, an id twice, a file changed or unreadable since the check, or another preparation in the
            folder.
        StorageFullError: no room; the finished shards stay and the next call continues.
    """
    began = time.perf_counter()
    sources = _sources(manifest)
    storage = open_storage(output)
    plan = _plan(sources, settings)
    kept = _finished(storage, plan, redo=redo)
    write_index(storage, _with_shards(plan, kept))
    kept_images = sum(entry.rows for entry in kept.values())
    if progress and kept:
        progress(kept_images, len(sources))
    done = dict(kept)
    missing = [number for number in range(plan.shard_count) if shard_name(number) not in kept]
    wanted = (source for number in missing for source in _shard_rows(sources, number, settings))
    work = partial(prepare_image, settings=settings, limits=limits or limits_of(manifest))
    with closing(windowed_map(work, wanted, workers=settings.workers or usable_cpus())) as rows:
        told = _told(rows, progress, kept_images, len(sources))
        for number in missing:
            size = len(_shard_rows(sources, number, settings))
            entry = write_shard(storage, shard_name(number), islice(told, size))
            done[entry.name] = entry
            write_index(storage, _with_shards(plan, done))
    return PreparedSummary(
        uri=storage.uri,
        images=plan.images,
        shards=plan.shard_count,
        kept=len(kept),
        bytes=sum(entry.bytes for entry in done.values()),
        fingerprint=plan.fingerprint,
        seconds=time.perf_counter() - began,
    )


def _sources(manifest: pl.DataFrame) -> list[SourceImage]:
    channels = pl.col("channels") if "channels" in manifest.columns else pl.lit(None, dtype=pl.String).alias("channels")
    table = manifest.select("image_id", "uri", "sha256", channels).sort("image_id")
    if table.is_empty():
        raise PreparedError("the manifest has no rows, so there is nothing to prepare.")
    twice = table.filter(pl.col("image_id").is_duplicated())["image_id"].unique().sort()
    if len(twice):
        raise PreparedError(
            f"image id {twice[0]} stands in {table.filter(pl.col('image_id') == twice[0]).height} rows of the manifest "
            f"({len(twice)} such ids). Run `nevus step check`, which merges or rejects them."
        )
    return [SourceImage(*row) for row in table.iter_rows()]


def _plan(sources: list[SourceImage], settings: PrepareSettings) -> PreparedIndex:
    digest = hashlib.sha256()
    for source in sources:
        swapped = f"\x1f{source.channels}" if source.channels else ""
        digest.update(f"{source.image_id}\x1f{source.sha256 or source.uri}{swapped}\x1e".encode())
    decisive = settings.result_settings()
    content = digest.hexdigest()
    return PreparedIndex(
        settings=decisive,
        content=content,
        fingerprint=fingerprint({"settings": decisive, "content": content}),
        images=len(sources),
        shard_count=-(-len(sources) // settings.images_per_shard),
    )


def _shard_rows(sources: list[SourceImage], number: int, settings: PrepareSettings) -> list[SourceImage]:
    return sources[number * settings.images_per_shard : (number + 1) * settings.images_per_shard]


def _with_shards(plan: PreparedIndex, entries: dict[str, ShardEntry]) -> PreparedIndex:
    return plan.model_copy(update={"shards": tuple(entries[name] for name in sorted(entries))})


def _finished(storage: PreparedStorage, plan: PreparedIndex, *, redo: bool) -> dict[str, ShardEntry]:
    """The intact shards of an earlier run with the same plan; every other file of ours is deleted."""
    try:
        found = read_index(storage)
    except PreparedError:
        if not redo:
            raise
        found = None
    if found and found.fingerprint != plan.fingerprint:
        if not redo:
            raise PreparedError(_difference(storage.uri, found, plan))
        found = None
    kept = {
        entry.name: entry
        for entry in (found.shards if found else ())
        if storage.intact(entry.name, size=entry.bytes, sha256=entry.sha256)
    }
    for name in storage.names():
        ours = name.startswith("shard-") or (name.startswith(INDEX) and name != INDEX)
        if ours and name not in kept:
            storage.remove(name)
    return kept


def _difference(uri: str, found: PreparedIndex, plan: PreparedIndex) -> str:
    changed = [
        f"{key} was {found.settings.get(key, 'not set')}, now {plan.settings.get(key, 'not set')}"
        for key in sorted({*found.settings, *plan.settings})
        if found.settings.get(key) != plan.settings.get(key)
    ]
    if found.content != plan.content:
        changed.append(f"the images differ ({found.images} were prepared, {plan.images} are asked for)")
    return (
        f"{uri} holds images prepared otherwise: {'; '.join(changed)}. Prepare into another folder, or delete this one."
    )


def _told(rows: Iterator[PreparedImage], progress: Progress | None, done: int, total: int) -> Iterator[PreparedImage]:
    for row in rows:
        done += 1
        if progress:
            progress(done, total)
        yield row
