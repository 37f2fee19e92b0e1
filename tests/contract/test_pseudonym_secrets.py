"""A store knows the secret that its rows are hashed with, on every database."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import sqlalchemy as sa

from nevus.store import Store, StoreSettings, entries, open_store, verify
from nevus.store.backup import BackupError, back_up, restore
from nevus.store.blobs import FolderBlobs
from nevus.store.pseudonym_secrets import (
    RotationError,
    known_secrets,
    present_secret,
    pseudonyms_to_erase,
    pseudonyms_to_serve,
    rotate,
)
from nevus.store.pseudonyms import Pseudonyms, PseudonymSecretError, secret_file
from nevus.store.serving_tables import PredictionRow, SampleBatchRow, SampleRow
from patient_rows import batch, prediction, sample


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def other_secret(folder: Path) -> Path:
    Pseudonyms.open(folder)
    return secret_file(folder)


def put_row(store: Store, kind: str) -> None:
    made = batch()
    with store.write() as session:
        if kind == "prediction":
            session.execute(sa.insert(PredictionRow), [prediction(patient_hash=None, lesion_hash="1" * 64)])
        else:
            session.execute(sa.insert(SampleBatchRow), [made])
            session.execute(sa.insert(SampleRow), [sample(made["batch_id"], b"s", patient_hash="1" * 64)])


def test_the_first_service_makes_the_secret_and_later_ones_must_have_it(store: Store, home: Path) -> None:
    first = pseudonyms_to_serve(store, home)
    assert pseudonyms_to_serve(store, home).patient("P") == first.patient("P")
    assert [secret.check_value for secret in known_secrets(store)] == [first.check_value]
    assert secret_file(home).read_text().strip() not in first.check_value


def test_another_secret_is_refused_by_file_and_remedy(store: Store, home: Path, tmp_path: Path) -> None:
    first = pseudonyms_to_serve(store, home)
    other = other_secret(tmp_path / "other")
    for attempt in (
        lambda: pseudonyms_to_serve(store, tmp_path / "other"),
        lambda: pseudonyms_to_serve(store, home, other),
        lambda: pseudonyms_to_erase(store, home, other),
    ):
        with pytest.raises(
            PseudonymSecretError, match=r"is not the secret that the rows.*Put the right one back"
        ) as said:
            attempt()
        assert str(other) in str(said.value)
    assert present_secret(store) == first.check_value


def test_a_secret_that_is_gone_is_not_made_anew_where_the_store_knows_one(store: Store, home: Path) -> None:
    pseudonyms_to_serve(store, home)
    secret_file(home).unlink()
    for ask in (pseudonyms_to_serve, pseudonyms_to_erase):
        with pytest.raises(PseudonymSecretError, match=r"is not there.*Put it back"):
            ask(store, home)
    assert not secret_file(home).exists()


@pytest.mark.parametrize("kind", ["prediction", "sample"])
def test_rows_of_a_store_that_noted_no_secret_yet_keep_one_from_being_made(store: Store, home: Path, kind: str) -> None:
    put_row(store, kind)
    with pytest.raises(PseudonymSecretError, match="is not there"):
        pseudonyms_to_serve(store, home)
    there = Pseudonyms.open(home)  # put back
    assert pseudonyms_to_serve(store, home).check_value == there.check_value == present_secret(store)


def test_a_rotation_hashes_later_rows_anew_and_erasure_still_takes_the_old_secret(store: Store, home: Path) -> None:
    before = pseudonyms_to_serve(store, home)
    kept = rotate(store, home, by="Dr. A")
    assert kept is not None
    after = pseudonyms_to_serve(store, home)
    assert after.patient("P") != before.patient("P")
    assert pseudonyms_to_erase(store, home, kept).patient("P") == before.patient("P")
    assert pseudonyms_to_erase(store, home).patient("P") == after.patient("P")
    with pytest.raises(PseudonymSecretError, match="was replaced on 2"):
        pseudonyms_to_serve(store, home, kept)
    assert {stat.S_IMODE(file.stat().st_mode) for file in (kept, secret_file(home))} == {0o600}
    assert [secret.retired_at is None for secret in known_secrets(store)] == [False, True]
    (entry,) = entries(store, action="pseudonyms.rotated")
    assert (entry.actor, entry.details["lost"]) == ("Dr. A", False)
    assert verify(store).intact


@pytest.mark.parametrize("step", [1, 2])
def test_a_rotation_that_was_killed_is_finished_by_a_repetition(
    store: Store, home: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    before = pseudonyms_to_serve(store, home)
    left = [None] * (step - 1)

    def killed(self: Path, target: Path) -> Path:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return rename(self, target)

    rename = Path.replace
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            rotate(store, home)
    rotate(store, home)
    assert pseudonyms_to_serve(store, home).check_value == present_secret(store) != before.check_value
    assert len(known_secrets(store)) == 2
    (kept,) = secret_file(home).parent.glob("pseudonyms-*.key")
    assert pseudonyms_to_erase(store, home, kept).check_value == before.check_value
    assert len(list(secret_file(home).parent.iterdir())) == 2


def test_a_lost_secret_is_replaced_only_when_it_is_said_to_be_lost(store: Store, home: Path) -> None:
    pseudonyms_to_serve(store, home)
    secret_file(home).unlink()
    with pytest.raises(RotationError, match="--lost"):
        rotate(store, home)
    assert rotate(store, home, lost=True) is None
    assert pseudonyms_to_serve(store, home).check_value == present_secret(store)
    assert entries(store, action="pseudonyms.rotated")[0].details["lost"] is True


def test_a_rotation_refuses_a_home_whose_secret_is_another(store: Store, home: Path, tmp_path: Path) -> None:
    pseudonyms_to_serve(store, home)
    other_secret(tmp_path / "other")
    with pytest.raises(RotationError, match="not the secret of this store"):
        rotate(store, tmp_path / "other")
    assert len(known_secrets(store)) == 1


def test_a_restored_store_knows_its_secret_and_refuses_a_home_with_another(
    store: Store, home: Path, tmp_path: Path
) -> None:
    first = pseudonyms_to_serve(store, home)
    blobs, file = FolderBlobs(home / "blobs"), tmp_path / "a.tar"
    back_up(store, blobs, file, home=home)
    taken = tmp_path / "taken"
    other_secret(taken)
    with pytest.raises(BackupError, match="hashed with another secret"):
        restore(file, home=taken, force=True)
    assert [path.name for path in taken.iterdir()] == ["secrets"]
    there = tmp_path / "there"
    assert restore(file, home=there).secret_there is False
    with open_store(StoreSettings(home=there)) as again:
        assert present_secret(again) == first.check_value
        with pytest.raises(PseudonymSecretError, match="is not there"):
            pseudonyms_to_serve(again, there)
        secret_file(there).parent.mkdir()
        secret_file(there).write_bytes(secret_file(home).read_bytes())
        assert pseudonyms_to_serve(again, there).patient("P") == first.patient("P")
    assert restore(file, home=there, force=True).secret_there is True


def test_a_backup_takes_no_secret_that_is_not_the_stores(store: Store, home: Path, tmp_path: Path) -> None:
    pseudonyms_to_serve(store, home)
    other = other_secret(tmp_path / "other")
    with pytest.raises(BackupError, match="is not the secret"):
        back_up(store, FolderBlobs(home / "b"), tmp_path / "a.tar", home=home, with_secrets=True, secret=other)
    assert not (tmp_path / "a.tar").exists()
