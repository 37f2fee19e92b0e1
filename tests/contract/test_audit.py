"""What the audit promises: nobody changes, removes, moves or adds a row without its being noticed."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from nevus.store import AuditHead, entries, parse_head, verify
from nevus.store.audit import AuditError, canonical, record
from nevus.store.audit_verification import AuditHeadError
from nevus.store.failures import StoreError


@pytest.fixture
def audited(store):
    """A store with five rows in its audit."""
    with store.write() as session:
        for n in range(1, 6):
            record(
                session,
                actor="Zoë",
                action="model.approve",
                subject=f"lesions/{n}",
                details={"note": f"n{n}", "x": 0.1},
            )
    return store


@pytest.fixture
def tamper(audited):
    """Run statements as somebody would who has taken the triggers away."""

    def run(*statements):
        with audited.write() as session:
            if audited.url.get_backend_name() == "postgresql":
                session.execute(sa.text("ALTER TABLE audit DISABLE TRIGGER ALL"))
            else:
                session.execute(sa.text("DROP TRIGGER IF EXISTS audit_refuses_update"))
                session.execute(sa.text("DROP TRIGGER IF EXISTS audit_refuses_delete"))
            for statement in statements:
                session.execute(sa.text(statement))

    return run


def found(store, **options):
    return [(p.sequence, p.kind) for p in verify(store, **options).problems]


def test_rows_come_back_as_they_were_written(audited):
    rows = entries(audited)
    assert [r.sequence for r in rows] == [1, 2, 3, 4, 5]
    assert (rows[2].actor, rows[2].subject, rows[2].details) == ("Zoë", "lesions/3", {"note": "n3", "x": 0.1})
    assert [r.sequence for r in entries(audited, last=2)] == [4, 5]
    assert [r.sequence for r in entries(audited, subject="lesions/2")] == [2]
    assert entries(audited, action="model.retire") == []


def test_an_untouched_audit_is_intact_and_so_is_an_empty_one(store, audited):
    result = verify(audited)
    assert (result.rows, result.intact, result.head.sequence) == (5, True, 5)


def test_an_empty_audit_is_intact(store):
    assert verify(store).intact


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x' WHERE sequence = 2", "DELETE FROM audit"])
def test_the_database_refuses_to_change_or_remove_rows(audited, statement):
    with pytest.raises(StoreError, match="append-only"), audited.write() as session:
        session.execute(sa.text(statement))
    assert verify(audited).intact


@pytest.mark.parametrize("column", ["actor", "action", "subject", "details", "previous_hash", "hash"])
def test_a_changed_row_is_named(audited, tamper, column):
    tamper(f"UPDATE audit SET {column} = '{'1' * 60}' WHERE sequence = 3")
    assert (3, "changed") in found(audited)
    assert {sequence for sequence, _ in found(audited)} == {3}


def test_a_changed_time_is_named(audited, tamper):
    tamper("UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE sequence = 4")
    assert found(audited) == [(4, "changed")]


def test_removed_rows_are_named_wherever_they_stood(audited, tamper):
    tamper("DELETE FROM audit WHERE sequence IN (1, 3)")
    assert found(audited) == [(1, "removed"), (3, "removed")]


def test_rows_cut_off_the_end_are_missed(audited, tamper):
    tamper("DELETE FROM audit WHERE sequence > 3")
    result = verify(audited)
    assert [(p.sequence, p.kind, p.message) for p in result.problems] == [(4, "removed", "rows 4 to 5 were removed")]


def test_rows_that_changed_places_are_named_with_where_they_came_from(audited, tamper):
    tamper(
        "UPDATE audit SET sequence = 99 WHERE sequence = 2",
        "UPDATE audit SET sequence = 2 WHERE sequence = 4",
        "UPDATE audit SET sequence = 4 WHERE sequence = 99",
    )
    messages = [p.message for p in verify(audited).problems]
    assert messages == ["row 2 was moved: it was written as row 4", "row 4 was moved: it was written as row 2"]


def test_a_row_replaced_together_with_its_hash_is_named(audited, tamper):
    from nevus.store.audit import row_hash
    from nevus.store.tables import AuditRow

    for sequence in (2, 5):
        with audited.read() as session:
            row = session.get_one(AuditRow, sequence)
            row.actor = "somebody else"
            forged = row_hash(row)
            session.rollback()
        tamper(f"UPDATE audit SET actor = 'somebody else', hash = '{forged}' WHERE sequence = {sequence}")
    assert found(audited) == [(2, "replaced"), (5, "replaced")]


def test_a_row_put_in_behind_is_named(audited, tamper):
    tamper(
        "INSERT INTO audit SELECT 6, at, actor, action, subject, details, previous_hash, hash FROM audit "
        "WHERE sequence = 5"
    )
    assert (6, "inserted") in found(audited)


def test_a_lost_head_is_named_and_nothing_more_can_be_recorded(audited, tamper):
    tamper("DELETE FROM audit_head")
    assert found(audited) == [(5, "removed")]
    with pytest.raises(AuditError, match="audit verify"), audited.write() as session:
        record(session, actor="a", action="b.c", subject="d")


def test_a_head_noted_outside_shows_a_chain_that_was_written_anew(audited, tamper):
    noted = parse_head(str(verify(audited).head))
    assert verify(audited, noted=noted).intact
    tamper("DELETE FROM audit", f"UPDATE audit_head SET sequence = 0, hash = '{'0' * 64}'")
    with audited.write() as session:
        for n in range(1, 8):
            record(session, actor="forger", action="model.approve", subject=f"lesions/{n}")
    assert verify(audited).intact, "the forged chain is sound in itself: that is why a head is noted outside"
    assert found(audited, noted=noted) == [(5, "replaced")]
    assert found(audited, noted=AuditHead(9, noted.hash)) == [(9, "removed")]


@pytest.mark.parametrize("text", ["", "5", "5:abc", "x:" + "0" * 64, "5:" + "g" * 64])
def test_a_head_that_is_none_is_refused(text):
    with pytest.raises(AuditHeadError, match="SEQUENCE:HASH"):
        parse_head(text)


def test_what_is_hashed_has_one_way_to_be_written():
    assert canonical({"b": [1, 2.5, None], "a": "é"}) == '{"a":"é","b":[1,2.5,null]}'
    with pytest.raises(ValueError, match="JSON"):
        canonical({"x": float("nan")})


def test_a_row_is_added_with_its_change_or_not_at_all(audited):
    def change_that_fails():
        with audited.write() as session:
            record(session, actor="a", action="b.c", subject="d")
            raise RuntimeError("the change failed")

    with pytest.raises(RuntimeError, match="the change failed"):
        change_that_fails()
    result = verify(audited)
    assert (result.rows, result.intact) == (5, True)
