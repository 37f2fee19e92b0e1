"""What keys promise: only who holds one gets in, until it expires or is revoked, and the store can't give it away."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from nevus.store import entries, verify
from nevus.store.keys import (
    ROLES,
    ApiKeys,
    ExpiredKeyError,
    KeyFileError,
    NewKeyError,
    RevokedKeyError,
    UnknownKeyError,
    allows,
    register_key_file,
)

SECRET = "a-secret-of-the-platform-0123456789"


@pytest.fixture
def keys(store):
    return ApiKeys(store)


@pytest.fixture
def key_file(tmp_path):
    """A function that writes a key file."""

    def write(content):
        file = tmp_path / "first-key"
        file.write_bytes(content)
        return file

    return write


def test_a_key_opens_for_its_owner(keys):
    text, made = keys.create("Dr. Zoë", "clinician", by="ops")
    assert re.fullmatch(rf"nevus_{made.key_id}_[A-Za-z0-9_-]{{43}}", text)
    found = keys.check(text)
    assert found == made
    assert (found.name, found.role, found.created_by, found.expires_at) == ("Dr. Zoë", "clinician", "ops", None)
    assert keys.create("Dr. Zoë", "clinician")[0] != text


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text[:-1],
        lambda text: text + "A",
        lambda text: text.upper(),
        lambda text: f" {text}",
        lambda text: text.replace("nevus_", "nevus_0"),
        lambda text: text * 100,
        lambda text: "",
        lambda text: "\x00",
        lambda text: "\udc80",
        lambda text: "' OR 1=1 --",
        lambda text: f"nevus_{'0' * 12}_{'A' * 43}",
    ],
)
def test_anything_but_the_whole_key_is_unknown_and_is_not_repeated(keys, change):
    text, _ = keys.create("a", "admin")
    wrong = change(text)
    with pytest.raises(UnknownKeyError, match="not known here") as refused:
        keys.check(wrong)
    assert text[-43:] not in str(refused.value)


def test_the_secret_of_one_key_does_not_open_as_another(keys):
    first, _ = keys.create("a", "reader")
    second, _ = keys.create("b", "admin")
    with pytest.raises(UnknownKeyError):
        keys.check(second[:-43] + first[-43:])


def test_the_store_holds_no_secret_and_what_it_holds_opens_nothing(store, keys):
    text, made = keys.create("a", "admin")
    with store.read() as session:
        rows = [
            str(row) for table in ("api_keys", "audit") for row in session.execute(sa.text(f"SELECT * FROM {table}"))
        ]
        hashed = session.scalar(sa.text("SELECT hash FROM api_keys"))
    assert len(rows) == 2
    assert not any(text[-43:] in row for row in rows)
    for stolen in (hashed, f"nevus_{made.key_id}_{hashed[:43]}"):
        with pytest.raises(UnknownKeyError):
            keys.check(stolen)


def test_a_key_expires_at_its_moment(keys):
    end = datetime.now(UTC) + timedelta(days=90)
    text, made = keys.create("a", "reader", expires_at=end)
    assert made.expires_at == end
    assert keys.check(text, at=end - timedelta(microseconds=1)).key_id == made.key_id
    with pytest.raises(ExpiredKeyError, match=f"{made.key_id} expired on {end:%Y-%m-%d}"):
        keys.check(text, at=end)
    assert [made.state(end), made.state()] == ["expired", "active"]


def test_a_revoked_key_opens_nothing_and_stays_in_the_list(keys):
    text, made = keys.create("a", "reader")
    other, _ = keys.create("b", "reader")
    revoked = keys.revoke(made.key_id, by="ops")
    assert keys.revoke(made.key_id, by="somebody").revoked_at == revoked.revoked_at
    with pytest.raises(RevokedKeyError, match=made.key_id):
        keys.check(text)
    assert keys.check(other).name == "b"
    assert [(key.name, key.state()) for key in keys.list()] == [("b", "active"), ("a", "revoked")]


def test_a_service_whose_keys_are_all_worthless_is_not_one_without_keys(keys):
    assert keys.any() is False
    _, made = keys.create("a", "reader")
    assert keys.any() is True
    keys.revoke(made.key_id)
    assert keys.any() is True


def test_who_made_and_revoked_keys_stands_in_the_audit(store, keys):
    end = datetime(2999, 1, 1, tzinfo=UTC)
    _, made = keys.create("Dr. Zoë", "clinician", expires_at=end, by="ops")
    keys.revoke(made.key_id, by="boss")
    keys.revoke(made.key_id, by="boss")
    about = {"name": "Dr. Zoë", "role": "clinician"}
    assert [(e.actor, e.action, e.subject, e.details) for e in entries(store)] == [
        ("ops", "key.created", f"key/{made.key_id}", {**about, "expires_at": "2999-01-01T00:00:00+00:00"}),
        ("boss", "key.revoked", f"key/{made.key_id}", about),
    ]
    assert verify(store).intact


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": " "}, "name:"),
        ({"name": "x" * 101}, "name:"),
        ({"name": "a\nb"}, "name:"),
        ({"role": "root"}, "role: there is no role 'root'.*reader, clinician, operator, admin"),
        ({"role": "Admin"}, "role:"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "expires: 2020-01-01"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(keys, given, said):
    with pytest.raises(NewKeyError, match=said):
        keys.create(**{"name": "a", "role": "reader", **given})
    assert keys.list() == []


def test_revoking_a_key_that_never_was_says_where_the_ids_are(keys):
    with pytest.raises(UnknownKeyError, match=r"'x'.*nevus keys list"):
        keys.revoke("x")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_the_ones_below_it_may(role):
    assert [needed for needed in ROLES if allows(role, needed)] == list(ROLES[: ROLES.index(role) + 1])


@pytest.mark.parametrize(("role", "needed"), [("root", "reader"), ("admin", "root"), ("", "")])
def test_a_role_that_is_none_opens_nothing(role, needed):
    with pytest.raises(ValueError, match="not in"):
        allows(role, needed)


class TestFirstKeyFromAFile:
    def test_its_text_is_an_admins_key_however_often_it_is_registered(self, store, keys, key_file):
        file = key_file(f"{SECRET}\n".encode())
        first = register_key_file(store, file)
        assert register_key_file(store, file) == first
        assert keys.check(SECRET) == first
        assert (first.role, first.name) == ("admin", "first key")
        assert [e.action for e in entries(store)] == ["key.created"]

    def test_a_key_that_was_revoked_is_not_revived_by_the_next_start(self, store, keys, key_file):
        file = key_file(SECRET.encode())
        keys.revoke(register_key_file(store, file).key_id)
        assert register_key_file(store, file).state() == "revoked"
        with pytest.raises(RevokedKeyError):
            keys.check(SECRET)

    def test_a_new_text_is_a_further_key(self, store, keys, key_file):
        register_key_file(store, key_file(SECRET.encode()))
        register_key_file(store, key_file(SECRET[::-1].encode()))
        assert keys.check(SECRET).key_id != keys.check(SECRET[::-1]).key_id

    def test_a_text_of_nevus_own_form_keeps_its_id(self, store, keys, key_file):
        text = f"nevus_abc123_{'A' * 43}"
        assert register_key_file(store, key_file(text.encode())).key_id == "abc123"
        assert keys.check(text).key_id == "abc123"
        with pytest.raises(NewKeyError, match="id abc123"):
            register_key_file(store, key_file(f"nevus_abc123_{'B' * 43}".encode()))

    @pytest.mark.parametrize(
        "content",
        [b"", b"short", b"a" * 31, b"a" * 513, b"a" * 20 + b" " + b"a" * 20, b"\xff" * 40, b"a" * 40 + b"\nb" * 40],
    )
    def test_what_could_not_be_a_key_is_refused_and_not_repeated(self, store, keys, key_file, content):
        with pytest.raises(KeyFileError, match="32 to 512 visible") as refused:
            register_key_file(store, key_file(content))
        assert "aaa" not in str(refused.value)
        assert keys.any() is False

    def test_a_file_that_is_not_there_is_named(self, store, tmp_path):
        with pytest.raises(KeyFileError, match="nowhere can't be read: No such file"):
            register_key_file(store, tmp_path / "nowhere")
