"""What people really have: odd images work, bad rows are set aside one by one, bad input is refused with a remedy."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from graphs import make_tiny_bundle
from nevus.data.prepare import PreparedImages
from odd_images import MUST_WORK, QUARANTINED, encoded, picture
from tiny_run import Done, nevus, write_config

STEPS = ("ingest", "check", "split", "prepare")
Row = dict[str, object]


class Clinic:
    """A folder of images with a table, and the commands that bring it as far as prepared images."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out, self.home = folder / "clinic", folder / "out", folder / "home"
        (self.folder / "images").mkdir(parents=True)
        self.config = folder / "tiny.yaml"

    def write(self, rows: Sequence[Row], **data: object) -> None:
        """Images under their names, and a row of the table for each; `bytes` None leaves the file away."""
        for row in rows:
            if isinstance(content := row["bytes"], bytes):
                path = self.folder / "images" / str(row["file"])
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        with (self.folder / "table.csv").open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, ["file", "dx", "age", "lesion"], extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
        options = {"source": "table", "root": str(self.folder), "table": "table.csv", "images": "images"}
        columns = {"uri": "file", "image_id": "file", "diagnosis": "dx", "lesion_id": "lesion"}
        write_config(self.config.parent, data=options | {"columns": columns, "check": {"workers": 1}} | data)

    def step(self, name: str, *options: object) -> Done:
        return nevus("step", name, "--config", self.config, "--out", self.out, *options, home=self.home)

    def left(self) -> list[str]:
        """What lies in the output folder."""
        return sorted(p.name for p in self.out.iterdir() if not p.name.startswith(".")) if self.out.exists() else []


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    return Clinic(tmp_path)


def lesion(number: int, **row: object) -> Row:
    """A good row; nevi and melanomas by turns."""
    good = {"file": f"good{number}.jpg", "dx": ("nv", "mel")[number % 2], "age": 40, "lesion": f"L{number}"}
    return good | {"bytes": encoded(picture(100 + number))} | row


def refused(done: Done, *said: str) -> None:
    """Exit code 2, the words, and no traceback."""
    assert done.code == 2, done.err
    assert "Traceback" not in done.err
    for words in said:
        assert words in done.err, (words, done.err)


def test_every_usual_kind_of_image_goes_all_the_way_and_each_bad_row_is_set_aside_with_its_reason(clinic, tmp_path):
    odd = [lesion(n, file=name, bytes=make()) for n, (name, make) in enumerate(MUST_WORK.items(), start=20)]
    bad = [lesion(n, file=name, bytes=make()) for n, (name, (make, _)) in enumerate(QUARANTINED.items(), start=40)]
    rows = [lesion(60, dx="Banana"), lesion(61, age=430)]
    few = [lesion(70, dx="df"), lesion(71, dx="df")]
    plain = [lesion(n) for n in range(12)]
    clinic.write([*plain, *odd, *bad, *rows, *few], check={"max_rejected_share": 0.5, "workers": 1})
    for name in STEPS:
        done = clinic.step(name)
        assert done.code == 0, done.err
        if name == "check":
            assert "class df has only 2 lesion(s): its figures will mean little" in done.err
            assert "1 image(s): first frame of animation" in done.err
            assert "1 image(s): rotated by exif" in done.err
    accepted = pl.read_parquet(clinic.out / "manifest.parquet")
    assert sorted(accepted["image_id"]) == sorted(str(row["file"]) for row in (*plain, *odd, *few))
    rejected = pl.read_parquet(clinic.out / "checks" / "rejected.parquet")
    expected = {name: reason for name, (_, reason) in QUARANTINED.items()}
    expected |= {"good60.jpg": "label_unmapped", "good61.jpg": "age_impossible"}
    assert dict(rejected.select("image_id", "reason").iter_rows()) == expected
    assert "'Banana'" in rejected.filter(pl.col("image_id") == "good60.jpg")["detail"][0]
    counted = json.loads((clinic.out / "checks" / "check.json").read_text())
    assert (counted["images"], counted["accepted"], counted["rejected"]) == (34, 22, 12)
    images = PreparedImages.open(clinic.out / "prepared")
    assert images.pixels_of("rotated.jpg").shape == (64, 48, 3)  # upright, as its EXIF says
    others = {images.pixels_of(name).shape for name in MUST_WORK if name != "rotated.jpg"}
    assert others == {(48, 64, 3)}
    grey = images.pixels_of("16 bit.png").astype(int)
    assert np.abs(grey[..., 0] - grey[..., 1]).max() == 0
    assert grey.std() > 20  # not clipped to white


def test_predict_answers_every_usual_kind_and_names_what_it_can_not_read(tmp_path):
    bundle = make_tiny_bundle(tmp_path / "bundle")
    paths = []
    readable = [name for name, (_, reason) in QUARANTINED.items() if reason in ("too_small", "blank")]
    for name, make in {**MUST_WORK, **{name: make for name, (make, _) in QUARANTINED.items()}}.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if (content := make()) is not None:
            path.write_bytes(content)
        paths.append(path)
    done = nevus("predict", *paths, "--bundle", bundle, "--json", home=tmp_path / "home")
    assert done.code == 1
    records = [json.loads(line) for line in done.out.splitlines()]
    assert [record["path"] for record in records] == [str(path) for path in paths]
    answered = {str(Path(r["path"]).relative_to(tmp_path / "in")) for r in records if "verdict" in r}
    assert answered == {*MUST_WORK, *readable}
    failed = {Path(r["path"]).name: r["error"] for r in records if "error" in r}
    assert failed.keys() == QUARANTINED.keys() - set(readable)
    assert all(name in error for name, error in failed.items())
    assert {note for r in records for note in r.get("notes", [])} >= {"first_frame_of_animation", "rotated_by_exif"}


def test_a_missing_or_empty_folder_is_refused(clinic, tmp_path):
    clinic.write([lesion(0)])
    refused(
        clinic.step("ingest", "--set", f"data.root={tmp_path}/nowhere"),
        f"there is no folder {tmp_path}/nowhere",
        "data.root",
    )
    (tmp_path / "empty").mkdir()
    refused(
        clinic.step("ingest", "--set", f"data.root={tmp_path}/empty"),
        f"the folder {tmp_path}/empty is empty",
        "data.root",
    )
    assert clinic.left() == ["steps"]  # the engine's notes, no table
    refused(
        nevus("predict", tmp_path / "empty", "--bundle", make_tiny_bundle(tmp_path / "b"), home=clinic.home),
        f"the folder {tmp_path}/empty holds no image",
    )


def test_a_table_without_the_needed_column_is_refused(clinic):
    clinic.write([lesion(0)])
    table = clinic.folder / "table.csv"
    table.write_text(table.read_text().replace("dx", "verdict"))
    refused(clinic.step("ingest"), f"{table} lacks the column dx", "it has file, verdict, age, lesion", "data.columns")
    assert clinic.left() == ["steps"]
    assert clinic.step("ingest", "--set", "data.columns.diagnosis=verdict").code == 0  # the remedy, in the same folder


def test_a_class_with_one_group_is_refused(clinic):
    """Three images, but all of one lesion."""
    clinic.write([*(lesion(n) for n in range(8)), *(lesion(n, dx="df", lesion="same") for n in range(20, 23))])
    assert clinic.step("ingest").code == 0
    refused(clinic.step("check"), "class df has a single group", "data.classes")
    assert "manifest.parquet" not in clinic.left()
    assert (clinic.out / "checks" / "rejected.parquet").exists()
    classes = ("--set", "data.classes=[mel,nv]")
    for step in ("ingest", "check", "split"):
        assert clinic.step(step, *classes).code == 0
    assert "df" not in set(pl.read_parquet(clinic.out / "manifest.parquet")["diagnosis"])


def test_duplicates_that_leave_a_class_one_group_are_found_before_training(clinic):
    """Two lesions of df by their names, one by their pixels."""
    twins = [lesion(n, dx="df", bytes=encoded(picture(99))) for n in (20, 21)]
    clinic.write([*(lesion(n) for n in range(8)), *twins])
    assert clinic.step("ingest").code == 0
    refused(clinic.step("check"), "class df has a single group")
    assert "manifest.parquet" not in clinic.left()


def test_too_many_bad_rows_fail_with_their_counts_and_the_remedy(clinic):
    clinic.write([*(lesion(n) for n in range(8)), lesion(8, bytes=b"text"), lesion(9, age=-3)])
    assert clinic.step("ingest").code == 0
    done = clinic.step("check")
    assert done.code == 1
    assert "2 of 10 rows were rejected (20.0%, allowed are 5.0%)" in done.err
    assert f"{clinic.out}/checks/rejected.parquet" in done.err
    assert "data.check.max_rejected_share" in done.err
    assert "manifest.parquet" not in clinic.left()
    assert pl.read_parquet(clinic.out / "checks" / "rejected.parquet").height == 2


@pytest.mark.parametrize("victim", ["model.onnx", "bundle.json", "selftest/cases.safetensors"])
def test_a_bundle_with_one_byte_changed_is_refused(tmp_path, victim):
    bundle = make_tiny_bundle(tmp_path / "bundle")
    path = bundle / victim
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    (tmp_path / "a.jpg").write_bytes(encoded(picture()))
    arguments = ("predict", tmp_path / "a.jpg", "--bundle", bundle, "--evidence", tmp_path / "maps")
    done = nevus(*arguments, home=tmp_path / "home")
    refused(done)
    assert f"{victim} was changed" in done.err or victim in done.err
    assert done.out == ""
    assert not (tmp_path / "maps").exists()


def test_a_bundle_of_a_newer_format_is_refused(tmp_path):
    bundle = make_tiny_bundle(tmp_path / "bundle")
    said = json.loads((bundle / "bundle.json").read_text())
    version = said["format_version"] + 1
    (bundle / "bundle.json").write_text(json.dumps(said | {"format_version": version, "libraries": {"nevus": "9.1"}}))
    (tmp_path / "a.jpg").write_bytes(encoded(picture()))
    done = nevus("predict", tmp_path / "a.jpg", "--bundle", bundle, home=tmp_path / "home")
    refused(done, f"bundle.json has format version {version}", "nevus 9.1: install that version")


def test_a_bundle_that_lost_a_file_is_refused(tmp_path):
    bundle = make_tiny_bundle(tmp_path / "bundle")
    shutil.rmtree(bundle / "selftest")
    (tmp_path / "a.jpg").write_bytes(encoded(picture()))
    refused(nevus("predict", tmp_path / "a.jpg", "--bundle", bundle, home=tmp_path / "home"), "selftest")
