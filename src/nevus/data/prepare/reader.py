"""Reading prepared images at random, from memory-mapped shards."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import simplejpeg
from numpy.typing import NDArray

from nevus.data.prepare.index import PreparedError, PreparedIndex, read_index
from nevus.data.prepare.storage import open_storage

Pixels = NDArray[np.uint8]


class UnknownImageError(PreparedError, KeyError):
    """No prepared image has that id."""

    __str__ = Exception.__str__


class PreparedImages:
    """All images of a prepared folder, by position or id.

    Nothing is read until it is asked for, and then from memory-mapped files: opening is cheap, pages are shared
    between processes, and instances may be used by several threads, inherited by forked and pickled to spawned ones.
    """

    def __init__(self, uri: str, cache: Path, index: PreparedIndex, shards: list[Path]) -> None:
        self.uri = uri
        self.fingerprint = index.fingerprint
        """SHA-256 (hex) of the settings and the content that the images were prepared from."""
        self._cache = cache
        self._data: list[Pixels] = []
        ids: list[str] = []
        columns: list[tuple[Any, ...]] = []
        for path in shards:
            for batch in _batches(path):
                columns.append((len(self._data), *_layout(batch)))
                self._data.append(np.frombuffer(batch.column("data").buffers()[2], dtype=np.uint8))
                ids += batch.column("image_id").to_pylist()
        self.ids: tuple[str, ...] = tuple(ids)
        """Image ids by position."""
        sizes = [len(c[1]) for c in columns]
        self._batch = np.repeat(np.array([c[0] for c in columns], np.int32), sizes)
        self._start, self._stop, self._width, self._height, self._raw = (
            np.concatenate([c[k] for c in columns]) for k in range(1, 6)
        )
        self._positions = {image_id: i for i, image_id in enumerate(self.ids)}

    @classmethod
    def open(cls, uri: str | Path, cache: Path | None = None) -> PreparedImages:
        """Open a finished folder of prepared images.

        Args:
            uri: local folder or `s3://` prefix, as given to `prepare`.
            cache: folder for copies of remote shards; by default `cache/prepared` in NEVUS_HOME (~/.nevus).

        Raises:
            PreparedError: no prepared images there, not finished, or a shard missing or of the wrong size.
        """
        storage = open_storage(uri)
        index = read_index(storage)
        if index is None:
            raise PreparedError(f"there are no prepared images at {storage.uri}; make them with `nevus step prepare`.")
        if not index.complete:
            raise PreparedError(
                f"{storage.uri} is not finished: {len(index.shards)} of {index.shard_count} shards are there. "
                "Run `nevus step prepare` again; it continues where it stopped."
            )
        cache = cache or default_cache()
        shards = []
        for entry in index.shards:
            try:
                path = storage.local_path(entry.name, size=entry.bytes, sha256=entry.sha256, cache=cache)
            except FileNotFoundError:
                path = None
            if path is None or path.stat().st_size != entry.bytes:
                raise PreparedError(
                    f"shard {entry.name} of {storage.uri} is missing or not {entry.bytes} bytes long. "
                    "Run `nevus step prepare` again; it makes only that shard anew."
                )
            shards.append(path)
        return cls(storage.uri, cache, index, shards)

    def __len__(self) -> int:
        return len(self.ids)

    def index_of(self, image_id: str) -> int:
        """The position of an image.

        Raises:
            UnknownImageError: it isn't among the prepared ones.
        """
        try:
            return self._positions[image_id]
        except KeyError:
            raise UnknownImageError(
                f"image {image_id} is not among the {len(self)} prepared ones of {self.uri}. "
                "Prepare again with the manifest that names it."
            ) from None

    def size(self, position: int) -> tuple[int, int]:
        """Width and height, pixels, without decoding."""
        return int(self._width[position]), int(self._height[position])

    def pixels(self, position: int) -> Pixels:
        """One image: uint8 [H, W, 3], RGB. From raw shards it is a read-only view of the file: copy before writing.

        Raises:
            IndexError: no such position.
        """
        data = self._data[self._batch[position]][self._start[position] : self._stop[position]]
        if self._raw[position]:
            height, width = int(self._height[position]), int(self._width[position])
            view: Pixels = data.reshape(height, width, 3)
            return view
        decoded: Pixels = simplejpeg.decode_jpeg(data, "RGB")
        return decoded

    def pixels_of(self, image_id: str) -> Pixels:
        """The image of that id, as `pixels` gives it.

        Raises:
            UnknownImageError: it isn't among the prepared ones.
        """
        return self.pixels(self.index_of(image_id))

    def __reduce__(self) -> tuple[Any, ...]:
        return (PreparedImages.open, (self.uri, self._cache))


def default_cache(home: Path | None = None) -> Path:
    """Where copies of remote shards go: below the home folder, because they are patients' images.

    Args:
        home: the setting `store.home`; without it NEVUS_HOME, else ~/.nevus.
    """
    return Path(home or os.environ.get("NEVUS_HOME") or "~/.nevus").expanduser().absolute() / "cache" / "prepared"


def _batches(path: Path) -> list[Any]:
    """The shard's record batches; their buffers keep the mapping alive, the file handle is closed."""
    try:
        with pa.memory_map(str(path)) as mapped:
            reader = pa.ipc.open_file(mapped)
            return [reader.get_batch(k) for k in range(reader.num_record_batches)]
    except pa.ArrowInvalid as error:
        raise PreparedError(f"{path} is damaged ({error}). Delete it and run `nevus step prepare` again.") from error


def _layout(batch: Any) -> tuple[Any, ...]:
    """Start, stop, width, height and whether raw, of each row."""
    rows = batch.num_rows
    data = batch.column("data")
    offsets = np.frombuffer(data.buffers()[1], dtype=np.int64)[data.offset : data.offset + rows + 1]
    raw = np.array([encoding == "raw" for encoding in batch.column("encoding").to_pylist()])
    return offsets[:-1], offsets[1:], batch.column("width").to_numpy(), batch.column("height").to_numpy(), raw
