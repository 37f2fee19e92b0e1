"""`index.json`: what a folder of prepared images holds, and what it was made from."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field, ValidationError

from nevus.data.prepare.storage import PreparedStorage
from nevus.errors import InputError
from nevus.settings import Section

INDEX: Final = "index.json"
FORMAT_VERSION: Final = 1


class PreparedError(InputError):
    """A folder of prepared images can't be used as it is."""


class ShardEntry(Section):
    """A finished shard."""

    name: str
    rows: int = Field(gt=0)
    bytes: int = Field(gt=0)
    sha256: str


class PreparedIndex(Section):
    """The contents of `index.json`: rewritten after every finished shard, so it names finished shards only."""

    format: Literal["nevus-prepared"] = "nevus-prepared"
    format_version: int = FORMAT_VERSION
    settings: dict[str, int | str]
    """The settings that decide the shards' bytes."""
    content: str
    """SHA-256 (hex) over the images' ids and their files' hashes, in the order of the rows."""
    fingerprint: str
    """SHA-256 (hex) of settings and content: the identity of the prepared images."""
    images: int = Field(gt=0)
    shard_count: int = Field(gt=0)
    shards: tuple[ShardEntry, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every shard is finished."""
        return len(self.shards) == self.shard_count


def read_index(storage: PreparedStorage) -> PreparedIndex | None:
    """The folder's index; None where there is none.

    Raises:
        PreparedError: it isn't an index, or one of a newer format.
    """
    try:
        text = storage.read(INDEX)
    except FileNotFoundError:
        return None
    try:
        index = PreparedIndex.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise PreparedError(
            f"{storage.uri}/{INDEX} is not an index of prepared images ({where}: {first['msg']}). "
            "Delete the folder and prepare again."
        ) from error
    if index.format_version > FORMAT_VERSION:
        raise PreparedError(
            f"{storage.uri} was prepared by a newer nevus (format {index.format_version}, this one reads up to "
            f"{FORMAT_VERSION}). Update nevus, or prepare again into another folder."
        )
    return index


def write_index(storage: PreparedStorage, index: PreparedIndex) -> None:
    """Replace the folder's index, whole or not at all."""
    with storage.writing(INDEX) as out:
        out.write(index.model_dump_json(indent=1).encode() + b"\n")
