"""A patient goes from a run that lies in an object store as from one that lies here, on every database."""

from __future__ import annotations

import io
import json
from pathlib import Path

import polars as pl
import pytest
from upath import UPath

from killed_writes import killed_after
from nevus.store import Registry, Store
from nevus.store.blobs import FolderBlobs
from nevus.store.erasure import Erased, erase_patient
from nevus.store.pseudonyms import Pseudonyms

pytestmark = pytest.mark.service

KEY, OTHER = "P-0017", "P-0018"
PSEUDONYMS = Pseudonyms(bytes(32))


def put_table(path: UPath, **columns: list[object]) -> None:
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    path.write_bytes(buffer.getvalue())


def column(path: UPath, name: str = "image_id") -> list[str]:
    path.fs.invalidate_cache()
    return pl.read_parquet(path.read_bytes())[name].to_list()


def files(folder: UPath) -> set[str]:
    folder.fs.invalidate_cache()
    return {name.removeprefix(folder.path).lstrip("/") for name in folder.fs.find(folder.path)}


@pytest.fixture
def run(s3_bucket: str) -> UPath:
    """A run whose manifest holds the patient twice, once in an image that was drawn into the run itself."""
    run = UPath(f"{s3_bucket}/runs/one")
    images = {"a": KEY, "b": KEY, "c": OTHER, "d": None}
    uris = [f"{run}/synthetic/a.jpg", "s3://data/b.jpg", f"{run}/synthetic/c.jpg", f"{run}/../data/d.jpg"]
    for name in ("manifest", "ingested"):
        put_table(run / f"{name}.parquet", image_id=list(images), patient_id=list(images.values()), uri=uris)
    put_table(run / "split.parquet", image_id=list(images), split=["train", "train", "test", "train"])
    put_table(run / "duplicates.parquet", image_a=["a", "c"], image_b=["c", "d"])
    contents = {
        "prepared/00000.arrow": "pixels",
        "duplicates/0.jpg": "sheet",
        "bundle/card.md": "stays",
        "report.html": "<img>",
        "checks/data.html": "<img>",
        "checks/findings.json": json.dumps({"patient": KEY}),
        "synthetic/a.jpg": "a",
        "synthetic/c.jpg": "c",
    }
    for name, text in contents.items():
        (run / name).write_text(text)
    (run.parent / "two" / "report.html").write_text("another run's")
    return run


@pytest.fixture(params=["by its run", "by its bundle"])
def registered(request: pytest.FixtureRequest, store: Store, run: UPath, new_version) -> UPath:
    known = {"run": str(run)} if request.param == "by its run" else {"run": None}
    Registry(store).register(new_version(1, bundle_uri=f"{run}/bundle", **known))
    return run


def erase(store: Store, tmp_path: Path, **options: bool) -> Erased:
    blobs = FolderBlobs(tmp_path / "blobs")
    return erase_patient(store, blobs, PSEUDONYMS, KEY, home=tmp_path, **options)


def test_its_tables_lose_the_rows_and_what_shows_images_goes(store: Store, registered: UPath, tmp_path: Path) -> None:
    before = files(registered)
    shown = erase(store, tmp_path, dry_run=True)
    assert files(registered) == before
    erased = erase(store, tmp_path)
    assert erased.lines == shown.lines
    for name in ("manifest", "ingested", "split"):
        assert column(registered / f"{name}.parquet") == ["c", "d"]
    assert column(registered / "duplicates.parquet", "image_a") == ["c"]
    gone = {"prepared/00000.arrow", "duplicates/0.jpg", "report.html", "checks/data.html", "synthetic/a.jpg"}
    assert before - files(registered) == gone
    assert (registered.parent / "two" / "report.html").exists()
    assert erased.trained_on == ("lesions/1 (train)",)
    assert any("findings.json still mentions" in note for note in erased.notes)
    assert any("1 image(s) lie in the dataset" in note for note in erased.notes)
    assert erase(store, tmp_path).items == 0


def test_a_run_that_was_left_half_erased_is_finished(store: Store, registered: UPath, tmp_path: Path) -> None:
    with killed_after(tables=3):
        erase(store, tmp_path)
    remaining = [KEY in column(registered / f"{name}.parquet", "patient_id") for name in ("manifest", "ingested")]
    assert sorted(remaining) == [False, True]
    erase(store, tmp_path)
    for name in ("manifest", "ingested", "split"):
        assert column(registered / f"{name}.parquet") == ["c", "d"]


@pytest.mark.usefixtures("s3_bucket")
def test_a_bucket_that_is_not_there_is_named(store: Store, tmp_path: Path, new_version) -> None:
    Registry(store).register(new_version(1, bundle_uri="s3://there-is-none/run/bundle"))
    (note,) = erase(store, tmp_path).notes
    assert note.startswith("s3://there-is-none/run (")
    assert note.endswith("can't be looked at from here")


def test_a_bundle_that_lies_there_without_a_run_is_nothing_to_speak_of(
    store: Store, s3_bucket: str, tmp_path: Path, new_version
) -> None:
    UPath(f"{s3_bucket}/bundle/card.md").write_text("card")
    Registry(store).register(new_version(1, bundle_uri=f"{s3_bucket}/bundle"))
    erased = erase(store, tmp_path)
    assert (erased.items, erased.notes) == (0, ())
