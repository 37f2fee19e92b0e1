"""Which place holds a store's pictures: a mark lies there, and the store knows it.

A command that looked for pictures elsewhere would find none, delete the rows that name them, and say that all is well.
So whoever deletes or copies pictures asks here first. The mark is a file among the pictures: it goes along when they
are moved, and tells the place whatever its path is called on this machine.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nevus.errors import InputError
from nevus.store.blobs.port import BlobMissingError, BlobStore
from nevus.store.columns import now
from nevus.store.database import Store
from nevus.store.ids import new_id
from nevus.store.serving_tables import PicturePlaceRow, PredictionRow, SampleRow

MARK = "nevus-place.txt"


class PicturePlaceError(InputError):
    """The place isn't the one where the store's pictures lie."""


def note_place(store: Store, blobs: BlobStore) -> None:
    """Remember where a service keeps pictures; from the first picture on there is one such place.

    Raises:
        PicturePlaceError: the pictures of earlier answers lie elsewhere.
        BlobsError: the place can't be reached.
    """
    with store.read() as session:
        noted = session.scalar(_NOTED)
    found = _mark(blobs)
    if noted is not None and (found, blobs.uri) == (noted.mark, noted.uri):
        return
    with store.write() as session:
        noted, found = session.scalar(_NOTED), _mark(blobs)  # another process may have been first
        if noted is not None and found != noted.mark and _has_pictures(session):
            raise PicturePlaceError(
                f"the pictures of this store lie in {noted.uri}, and {blobs.uri} is another place. Name the first by "
                f"serving.blobs. Where they were moved to the second, move the file {MARK} there too; if they are gone "
                f"for good, write {noted.mark} into a file {MARK} there."
            )
        if found is None:
            found = new_id()
            blobs.put(MARK, found.encode())
        _note(session, found, blobs)


def require_place(store: Store, blobs: BlobStore) -> None:
    """Refuse a place that isn't where the store's pictures lie, as far as a service has noted it.

    Raises:
        PicturePlaceError: it is another one; the message names the right one.
        BlobsError: it can't be reached.
    """
    with store.read() as session:
        noted = session.scalar(_NOTED)
    if noted is not None and _mark(blobs) != noted.mark:
        raise PicturePlaceError(
            f"the pictures of this store don't lie in {blobs.uri}: the service kept them in {noted.uri}. Name that by "
            f"--blobs or NEVUS_SERVING__BLOBS, as for the service; nothing was done. Where they were moved, the file "
            f"{MARK} must lie beside them."
        )


def move_place(store: Store, blobs: BlobStore) -> None:
    """Pictures were put back into another place: from now on it is the store's, if it had one."""
    with store.write() as session:
        noted = session.scalar(_NOTED)
        if noted is not None:
            blobs.put(MARK, noted.mark.encode())
            _note(session, noted.mark, blobs)


_NOTED = sa.select(PicturePlaceRow)


def _note(session: Session, mark: str, blobs: BlobStore) -> None:
    session.execute(sa.delete(PicturePlaceRow))
    session.execute(sa.insert(PicturePlaceRow), [{"mark": mark, "uri": blobs.uri, "noted_at": now()}])


def _mark(blobs: BlobStore) -> str | None:
    try:
        return blobs.get(MARK).decode("utf-8", "replace").strip()
    except BlobMissingError:
        return None


def _has_pictures(session: Session) -> bool:
    return any(
        session.scalar(sa.select(sa.literal(1)).where(table.image_key.is_not(None)).limit(1))
        for table in (PredictionRow, SampleRow)
    )
