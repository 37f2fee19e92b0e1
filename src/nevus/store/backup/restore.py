"""Restore: nothing is touched before every sum is right; the database takes its name last."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from pydantic import SecretStr

from nevus.store.audit_verification import verify
from nevus.store.backup import tables
from nevus.store.backup.archive import MANIFEST, MANIFEST_SUM, BackupError, members, verified
from nevus.store.backup.backup import BLOBS, DATABASE, ROWS, SECRET
from nevus.store.blobs import BlobStore, open_blobs
from nevus.store.database import DATABASE_FILE, open_store
from nevus.store.home import make_home
from nevus.store.picture_place import move_place
from nevus.store.pseudonyms import check_value_in, secret_file
from nevus.store.settings import StoreSettings


@dataclass(frozen=True)
class Restored:
    """What is there again, and whether the audit's chain is intact."""

    home: Path
    place: str
    """Where the pictures lie now."""
    pictures: int
    audit_rows: int
    audit_intact: bool
    with_secrets: bool
    elsewhere: str | None
    """The object store whose pictures the rows hold, where they are not in the backup."""
    secret_there: bool
    """Whether the secret of the pseudonyms is in its place: from the backup, or put there before."""


def restore(
    file: Path,
    *,
    home: Path,
    url: str | None = None,
    blobs: str | None = None,
    secret: Path | None = None,
    force: bool = False,
) -> Restored:
    """Put a backup into a home folder.

    Args:
        file: the archive.
        home: where to; empty, or made.
        url: a database that is empty, for the rows of a Postgres; null: SQLite in the home folder.
        blobs: where the pictures go; null: into the home folder.
        secret: the secret's file, where the service doesn't use the home folder's.
        force: into a home or a place that holds something: its database and secret are replaced, its pictures are added
            to. No service may run on it.

    Raises:
        BackupError: the archive isn't whole, the place isn't empty, or the secret that lies there is another than the
            rows were hashed with; nothing was changed.
    """
    manifest = verified(file)
    if home.exists() and any(home.iterdir()) and not force:
        raise BackupError(f"{home} isn't empty. Name another folder, or add --force to replace what is there.")
    as_file = DATABASE in manifest["files"]
    if as_file and url is not None:
        raise BackupError(f"{file} holds a SQLite database, which can't be put into another one; leave --store out.")
    _require_same_secret(manifest, home, secret)
    if blobs is not None and manifest["elsewhere"] is None and not force:
        _require_empty(open_blobs(blobs, home))
    make_home(home)
    place = open_blobs(blobs, home, durable=True)
    unpacked = _unpack(file, home, place)
    try:
        if url is None:
            for end in ("", "-wal", "-shm"):
                (home / (DATABASE_FILE + end)).unlink(missing_ok=True)
        if as_file:
            unpacked.files[DATABASE].replace(home / DATABASE_FILE)
        settings = StoreSettings(home=home, url=SecretStr(url) if url else None)
        with open_store(settings) as store:
            if not as_file:
                with store.write() as session:
                    _load(session, unpacked.files)
            if manifest["elsewhere"] is None:
                move_place(store, place)
            audit = verify(store)
    finally:
        for path in unpacked.files.values():
            path.unlink(missing_ok=True)
    there, elsewhere = (secret or secret_file(home)).exists(), _uri(manifest)
    facts = (unpacked.pictures, audit.rows, audit.intact, manifest["with_secrets"], elsewhere, there)
    return Restored(home, elsewhere or place.uri, *facts)


def _require_empty(place: BlobStore) -> None:
    if any(place.keys()):
        raise BackupError(
            f"{place.uri}, where the pictures would go, isn't empty: it may be the place of a store in use. Name "
            "another by --blobs or NEVUS_SERVING__BLOBS, or add --force to add to what is there."
        )


def _require_same_secret(manifest: Mapping[str, Any], home: Path, secret: Path | None) -> None:
    """The backup's own secret, where it holds one, takes the place of the home folder's."""
    own, check = secret or secret_file(home), manifest.get("pseudonym_check")  # older backups tell of none
    if check is None or not own.exists() or (manifest["with_secrets"] and secret is None):
        return
    if check_value_in(own) != check:
        raise BackupError(
            f"the rows of this backup are hashed with another secret than {own}: no patient would be found. Put the "
            "right one there first, or move this one away."
        )


@dataclass(frozen=True)
class _Unpacked:
    files: dict[str, Path]
    """Name in the archive -> where its content waits to be used."""
    pictures: int


def _unpack(file: Path, home: Path, blobs: BlobStore) -> _Unpacked:
    """Put pictures and secret into their places, and the rest under names that mean nothing yet."""
    files: dict[str, Path] = {}
    pictures = 0
    for name, content in members(file):
        if name.startswith(BLOBS):
            blobs.put(name.removeprefix(BLOBS), content.read())
            pictures += 1
        elif name == SECRET:
            _write(secret_file(home), content)
        elif name not in (MANIFEST, MANIFEST_SUM):
            files[name] = home / f".restoring-{len(files)}"
            _write(files[name], content)
    return _Unpacked(files, pictures)


def _load(session: Any, rows: Mapping[str, Path]) -> None:
    for table in tables.tables():
        name = ROWS.format(table.name)
        if name not in rows:
            continue
        taken = session.scalar(sa.select(sa.func.count()).select_from(table))
        if taken and table.name != "audit_head":
            raise BackupError(f"the database isn't empty: {table.name} has {taken} rows. Name an empty one.")
        with rows[name].open("rb") as lines:
            tables.load(session, table, iter(lines))


def _write(path: Path, content: IO[bytes]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        shutil.copyfileobj(content, out)
        out.flush()
        os.fsync(out.fileno())


def _uri(manifest: Mapping[str, Any]) -> str | None:
    elsewhere = manifest["elsewhere"]
    return None if elsewhere is None else str(elsewhere["uri"])
