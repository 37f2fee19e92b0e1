"""Proof that the audit is as it was written: which rows were changed, removed, put in or moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from nevus.errors import InputError
from nevus.store.audit import GENESIS, AuditHead, row_hash
from nevus.store.database import Store
from nevus.store.tables import AuditHeadRow, AuditRow


class AuditHeadError(InputError):
    """A head that was noted earlier isn't written as it should be."""


@dataclass(frozen=True)
class Problem:
    """What isn't as it was written: the row's sequence, the kind, and a sentence."""

    sequence: int
    kind: str
    message: str


@dataclass(frozen=True)
class Verification:
    """How many rows were looked at, what is wrong with them, and where the chain ends."""

    rows: int
    problems: tuple[Problem, ...]
    head: AuditHead

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def parse_head(text: str) -> AuditHead:
    """Read `SEQUENCE:HASH`, as `verify` printed it."""
    sequence, colon, digest = text.strip().partition(":")
    if not (colon and sequence.isdigit() and len(digest) == 64 and set(digest) <= set("0123456789abcdef")):
        raise AuditHeadError(
            f"{text!r} is not a head; it reads SEQUENCE:HASH, as an earlier `audit verify` printed it."
        )
    return AuditHead(int(sequence), digest)


def verify(store: Store, *, noted: AuditHead | None = None) -> Verification:
    """Walk the chain from its first row to its head.

    Args:
        store: where the audit lies.
        noted: a head that an earlier verification printed, kept outside the database: it must still be in the chain.
    """
    with store.read() as session:
        rows = session.scalars(sa.select(AuditRow).order_by(AuditRow.sequence).execution_options(yield_per=1000))
        walk = _Walk(noted)
        walk.over(rows)
        head = session.get(AuditHeadRow, 1)
        walk.end(AuditHead(head.sequence, head.hash) if head else None)
    return Verification(walk.count, tuple(sorted(walk.problems, key=lambda p: p.sequence)), walk.last)


class _Walk:
    """One pass over the rows; remembers the row before, and rows that don't give their own hash."""

    def __init__(self, noted: AuditHead | None) -> None:
        self.count = 0
        self.last = AuditHead(0, GENESIS)
        self.problems: list[Problem] = []
        self._noted = noted
        self._broken: list[AuditRow] = []

    def over(self, rows: Iterable[AuditRow]) -> None:
        for row in rows:
            self.count += 1
            self._gap(self.last.sequence + 1, row.sequence - 1)
            follows = row.sequence == self.last.sequence + 1
            sound = row_hash(row) == row.hash
            if not sound:
                self._broken.append(row)
            elif follows and row.previous_hash != self.last.hash and not self._is_broken(self.last.sequence):
                self._add(
                    self.last.sequence,
                    "replaced",
                    f"row {self.last.sequence} was replaced: row {row.sequence} was written after another one",
                )
            if self._noted and self._noted.sequence == row.sequence and self._noted.hash != row.hash:
                self._add(row.sequence, "replaced", f"row {row.sequence} does not have the hash that was noted")
            self.last = AuditHead(row.sequence, row.hash)

    def end(self, head: AuditHead | None) -> None:
        self.problems += self._judge_broken()
        if self._noted and self._noted.sequence > self.last.sequence:
            self._add(self._noted.sequence, "removed", f"row {self._noted.sequence}, which was noted, is gone")
        if head is None:
            self._add(self.last.sequence, "removed", "the record of the chain's end (audit_head) is gone")
        elif head.sequence > self.last.sequence:
            self._gap(self.last.sequence + 1, head.sequence)
        elif head.sequence < self.last.sequence:
            first, last = head.sequence + 1, self.last.sequence
            self._add(first, "inserted", f"{_rows(first, last)} put in behind nevus' back: its chain ends before")
        elif head.hash != self.last.hash and not self._is_broken(head.sequence):
            self._add(head.sequence, "replaced", f"row {head.sequence}, the last one, was replaced")

    def _gap(self, first: int, last: int) -> None:
        if first <= last:
            self._add(first, "removed", f"{_rows(first, last)} removed")

    def _judge_broken(self) -> Iterator[Problem]:
        places = [row.sequence for row in self._broken]
        for row in self._broken:
            # Few rows are ever broken; with very many, telling a move from a change isn't worth the squares.
            candidates = places if len(places) <= 100 else []
            origin = next((p for p in candidates if row_hash(row, sequence=p) == row.hash), None)
            if origin is None:
                yield Problem(row.sequence, "changed", f"row {row.sequence} was changed: it does not give its hash")
            else:
                message = f"row {row.sequence} was moved: it was written as row {origin}"
                yield Problem(row.sequence, "reordered", message)

    def _is_broken(self, sequence: int) -> bool:
        return any(row.sequence == sequence for row in self._broken[-1:])

    def _add(self, sequence: int, kind: str, message: str) -> None:
        self.problems.append(Problem(sequence, kind, message))


def _rows(first: int, last: int) -> str:
    return f"row {first} was" if first == last else f"rows {first} to {last} were"
