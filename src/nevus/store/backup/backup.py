"""Back up: the database as it was at one moment, and the pictures that it holds then."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from nevus.store.backup import tables
from nevus.store.backup.archive import ArchiveWriter, BackupError, writing
from nevus.store.blobs import BlobMissingError, BlobStore, FolderBlobs
from nevus.store.columns import now
from nevus.store.database import Store
from nevus.store.picture_place import require_place
from nevus.store.pseudonym_secrets import present_secret
from nevus.store.pseudonyms import PseudonymSecretError, check_value_in, secret_file
from nevus.store.schema import HEAD
from nevus.store.serving_tables import PredictionRow, SampleRow

DATABASE, ROWS, BLOBS, SECRET = "database/nevus.db", "database/{}.jsonl", "blobs/", "secrets/pseudonyms.key"


@dataclass(frozen=True)
class BackedUp:
    """What lies in the file: pictures copied, pictures that stay in an object store, and those that were gone."""

    file: Path
    bytes: int
    pictures: int
    elsewhere: int
    missing: int
    with_secrets: bool


def back_up(
    store: Store, blobs: BlobStore, file: Path, *, home: Path, with_secrets: bool = False, secret: Path | None = None
) -> BackedUp:
    """Write a backup, while others go on reading and writing.

    Args:
        store, blobs: what is backed up. Pictures of an object store stay there and are listed.
        file: the archive to write (0600); one that is there is replaced when the new one is whole.
        home: the home folder, for the secret.
        with_secrets: put the secret of the pseudonyms in too. Without it, nobody can test guesses of patients' keys
            against a backup; but a restored store finds a patient's rows only with the secret, so keep that elsewhere.
        secret: the secret's file, where it isn't the home folder's.

    Raises:
        BackupError: the archive can't be written, or there is no secret.
        PicturePlaceError: the pictures lie in another place than `blobs`.
        StorageFullError: there is no room for it.
    """
    require_place(store, blobs)
    path = file.expanduser().absolute()
    with writing(path) as archive, tempfile.TemporaryDirectory(dir=path.parent, prefix=".nevus-backup-") as scratch:
        keys = _add_database(store, archive, Path(scratch))
        facts: dict[str, Any] = {"made_at": now().isoformat(), "schema": HEAD, "with_secrets": with_secrets}
        facts |= {"database": store.url.get_backend_name(), "elsewhere": None, "missing": []}
        facts["pseudonym_check"] = present_secret(store)
        copied = 0
        if isinstance(blobs, FolderBlobs):
            for key in keys:
                try:
                    archive.add(BLOBS + key, blobs.get(key))
                    copied += 1
                except BlobMissingError:  # deleted since the snapshot, or lost before
                    facts["missing"].append(key)
        else:
            facts["elsewhere"] = {"uri": blobs.uri, "keys": keys}
        if with_secrets:
            archive.add(SECRET, _secret(secret or secret_file(home), facts["pseudonym_check"]))
        archive.finish(facts)
    left = 0 if facts["elsewhere"] is None else len(keys)
    return BackedUp(path, path.stat().st_size, copied, left, len(facts["missing"]), with_secrets)


def _add_database(store: Store, archive: ArchiveWriter, scratch: Path) -> list[str]:
    """Add the rows of one moment; the keys of the pictures that they hold, sorted."""
    if store.url.get_backend_name() == "sqlite":
        copy = scratch / "nevus.db"
        _copy_sqlite(str(store.url.database), copy)
        archive.add_file(DATABASE, copy)
        with closing(sqlite3.connect(copy)) as connection:
            return sorted({row[0] for query in _pictures() for row in connection.execute(str(query))})
    with store.read() as session:
        for table in tables.tables():
            rows = scratch / table.name
            tables.dump(session, table, rows)
            archive.add_file(ROWS.format(table.name), rows)
            rows.unlink()
        return sorted({key for query in _pictures() for key in session.scalars(query)})


def _copy_sqlite(database: str, copy: Path) -> None:
    """SQLite's own online backup: one consistent moment, beside readers and writers, including the log."""
    source = sqlite3.connect(database, uri=database.startswith("file:"), timeout=30)
    with closing(source), closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")


def _pictures() -> Iterator[sa.Select[Any]]:
    for column in (PredictionRow.image_key, SampleRow.image_key):
        yield sa.select(column).where(column.is_not(None)).distinct()


def _secret(file: Path, check: str | None) -> bytes:
    """The file as it is, if it holds the secret that the store's rows are hashed with."""
    try:
        found = check_value_in(file)
        if check in (None, found):
            return file.read_bytes()
    except (OSError, PseudonymSecretError) as error:
        raise BackupError(f"the secret {file} can't be read ({error}); nothing was written.") from error
    raise BackupError(f"{file} is not the secret that the store's rows are hashed with; nothing was written.")
