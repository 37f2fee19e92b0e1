"""`nevus erase`, `nevus backup`, `nevus restore` and `nevus pseudonyms`, from the command line."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from nevus.store import NewVersion, Registry, StoreSettings, open_store
from nevus.store.blobs import open_blobs
from nevus.store.pseudonym_secrets import pseudonyms_to_serve
from nevus.store.pseudonyms import Pseudonyms
from nevus.store.serving_tables import PredictionRow
from nevus.tracking import TrackingSettings, open_tracker
from patient_rows import picture_key, prediction
from tiny_run import nevus


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one patient's prediction, P-1's, and its picture."""
    made = tmp_path / "home"
    row = prediction(patient_hash=Pseudonyms.open(made).patient("P-1"))
    with open_store(StoreSettings(home=made)) as store, store.write() as session:
        session.execute(sa.insert(PredictionRow), [row])
    open_blobs(None, made).put(picture_key(b"picture"), b"picture")
    return made


def items(said: str) -> dict[str, int]:
    return {place["place"]: place["items"] for place in json.loads(said)["places"]}


def test_a_patient_is_shown_then_erased(home: Path) -> None:
    shown = nevus("erase", "--patient", "P-1", "--home", home, "--dry-run", "--json", home=home)
    assert items(shown.out)["predictions"] == 1
    done = nevus("erase", "--patient", "P-1", "--home", home, home=home)
    assert "2 things erased" in done.out
    assert "P-1" not in done.out
    assert list(open_blobs(None, home).keys()) == []
    again = nevus("erase", "--patient", "P-1", "--home", home, "--json", home=home)
    assert set(items(again.out).values()) == {0}
    assert nevus("audit", "verify", "--home", home, home=home).code == 0


def test_a_backup_is_restored_elsewhere_and_says_what_is_not_in_it(home: Path, tmp_path: Path) -> None:
    file, there = tmp_path / "a.tar", tmp_path / "there"
    assert "is not in it" in nevus("backup", file, "--home", home, home=home).out
    assert "HOLDS the secret" in nevus("backup", file, "--home", home, "--with-secrets", home=home).out
    done = nevus("restore", file, "--home", there, home=home)
    assert (done.code, "1 pictures" in done.out, "intact" in done.out) == (0, True, True)
    assert items(nevus("erase", "--patient", "P-1", "--home", there, "--json", home=there).out)["pictures"] == 1


def test_a_place_that_is_not_empty_is_bad_input(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.tar"
    nevus("backup", file, "--home", home, home=home)
    refused = nevus("restore", file, "--home", home, home=home)
    assert (refused.code, "--force" in refused.err) == (2, True)


def test_a_patient_is_erased_from_rows_of_before_a_rotation_with_the_secret_that_was_put_aside(home: Path) -> None:
    with open_store(StoreSettings(home=home)) as store:
        pseudonyms_to_serve(store, home)
    done = nevus("pseudonyms", "rotate", "--home", home, home=home)
    assert done.code == 0
    (kept,) = (home / "secrets").glob("pseudonyms-*.key")
    assert kept.name in done.out
    erase = ("erase", "--patient", "P-1", "--home", home, "--json")
    now = nevus(*erase, home=home)
    assert set(items(now.out).values()) == {0}
    (note,) = json.loads(now.out)["notes"]
    assert kept.name in note
    assert items(nevus(*erase, "--pseudonym-file", kept, home=home).out)["predictions"] == 1


def test_an_erasure_without_the_secret_of_the_rows_is_refused_instead_of_finding_nothing(home: Path) -> None:
    (home / "secrets" / "pseudonyms.key").unlink()
    refused = nevus("erase", "--patient", "P-1", "--home", home, home=home)
    assert (refused.code, "Put it back" in " ".join(refused.err.split())) == (2, True)
    assert not (home / "secrets" / "pseudonyms.key").exists()


def test_pictures_that_no_row_names_are_shown_and_deleted_only_when_it_is_asked_for(home: Path) -> None:
    loose = picture_key(b"loose")
    open_blobs(None, home).put(loose, b"x")
    for key in (loose, picture_key(b"picture")):
        os.utime(home / "blobs" / key, (time.time() - 90_000,) * 2)
    shown = nevus("pictures", "--home", home, home=home)
    assert loose in shown.out
    assert "2 pictures older than a day, 1 named by no row." in " ".join(shown.out.split())
    assert open_blobs(None, home).exists(loose)
    done = json.loads(nevus("pictures", "--delete-loose", "--json", "--home", home, home=home).out)
    assert (done["loose"], done["deleted"]) == ([loose], 1)
    assert list(open_blobs(None, home).keys()) == [picture_key(b"picture")]


def test_what_mlflow_keeps_elsewhere_and_shows_images_is_named_by_run_file_and_place(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow", reason="needs nevus[train]")
    uri, elsewhere, run = f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "bucket", tmp_path / "run"
    mlflow.MlflowClient(uri).create_experiment("nevus", artifact_location=str(elsewhere))
    run.mkdir()
    table = pl.DataFrame({"image_id": ["a"], "patient_id": ["P-1"], "uri": ["/data/a.jpg"]})
    table.write_parquet(run / "manifest.parquet")
    (tmp_path / "report.html").write_text("<img>")
    tracker = open_tracker(TrackingSettings(uri=SecretStr(uri)), output=run, store=StoreSettings(home=home))
    tracker.start("one", settings={}, tags={})
    tracker.log_artefact(tmp_path / "report.html", shows_images=True)
    with open_store(StoreSettings(home=home)) as store:
        version = NewVersion(
            model="lesions",
            bundle_uri=str(tmp_path / "bundles" / "one"),
            bundle_digest="0" * 64,
            task="diagnosis",
            classes=("mel", "nv"),
            malignant=("mel",),
            gate={"passed": True},
            gate_passed=True,
            licence="CC0",
            commercial_use=True,
            run=str(run),
            tracking_run=tracker.run_id,
        )
        Registry(store).register(version, by="test")
    monkeypatch.setenv("NEVUS_TRACKING__URI", uri)
    done = nevus("erase", "--patient", "P-1", "--home", home, "--json", home=home)
    notes = [note for note in json.loads(done.out)["notes"] if "MLflow" in note]
    assert len(notes) == 1
    assert all(part in notes[0] for part in (str(tracker.run_id), "report.html", str(elsewhere)))
    monkeypatch.setenv("NEVUS_TRACKING__URI", f"sqlite:///{tmp_path / 'another.db'}")
    table.write_parquet(run / "manifest.parquet")
    elsewhere_asked = nevus("erase", "--patient", "P-1", "--home", home, "--json", home=home)
    (note,) = [note for note in json.loads(elsewhere_asked.out)["notes"] if "MLflow" in note]
    assert f"knows no page of run {tracker.run_id}" in note
