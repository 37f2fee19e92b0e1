"""Labelled images for the next training: what is taken, and what is named as not taken, and why."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from itertools import count

import numpy as np
import pytest
from PIL import Image

from nevus.data.checks.files import MEASURED_SHORT_SIDE as CHECKED_SHORT_SIDE
from nevus.data.checks.reasons import REASONS
from nevus.data.settings import CheckSettings
from nevus.serving.samples import checks
from nevus.store.samples import list_samples
from odd_images import encoded, jpeg_that_claims
from serving_factory import Served, drawn, serving

PATH = "/v1/samples"
_numbers = count(1000)


def fresh() -> bytes:
    """A picture that no other test has sent."""
    return drawn("nv", next(_numbers))


def table(*rows: str, columns: str = "file,diagnosis") -> tuple[str, tuple[str, bytes, str]]:
    return "table", ("table.csv", "\n".join((columns, *rows)).encode(), "text/csv")


def image(name: str, data: bytes) -> tuple[str, tuple[str, bytes, str]]:
    return "images", (name, data, "image/jpeg")


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def send_zip(served: Served, data: bytes):
    return served.post(PATH, files={"archive": ("samples.zip", data, "application/zip")})


def reasons(answered: dict) -> dict[str, str]:
    return {one["name"]: one["reason"] for one in answered["rejected"]}


def test_what_is_taken_is_stored_with_all_that_its_line_says(served: Served) -> None:
    columns = "file,diagnosis,confirmed_by,age,sex,site,patient,lesion,licence,attribution,source"
    row = "a.jpg,Melanoma,histology,61,female,posterior torso,samples p,l1,CC0-1.0,Somebody,clinic"
    picture = fresh()
    answered = served.post(PATH, files=[image("a.jpg", picture), table(row, columns=columns)])
    assert answered.status_code == 201
    told = answered.json()
    assert told["rejected"] == []
    ((sample,), (told_sample,)) = (list_samples(served.store, batch_id=told["batch_id"]), told["accepted"])
    assert (told_sample["name"], told_sample["sample_id"], told_sample["warnings"]) == ("a.jpg", sample.sample_id, [])
    assert (sample.diagnosis, sample.malignant, sample.confirmed_by) == ("mel", True, "histology")
    assert (sample.age, sample.sex, sample.site, sample.licence) == (61, "female", "posterior torso", "CC0-1.0")
    assert (sample.attribution, sample.source, sample.width, sample.height) == ("Somebody", "clinic", 160, 120)
    assert sample.patient_hash == served.service.pseudonyms.patient("samples p")
    assert served.service.blobs is not None
    kept = Image.open(io.BytesIO(served.service.blobs.get(sample.image_key)))
    assert np.array_equal(np.asarray(kept), np.asarray(Image.open(io.BytesIO(picture))))


def test_each_rejected_image_is_named_with_its_reason(served: Served) -> None:
    files = {
        "good.jpg": fresh(),
        "text.jpg": b"hello",
        "empty.jpg": b"",
        "cut.jpg": fresh()[:900],
        "huge.jpg": jpeg_that_claims(60_000, 60_000),
        "tiny.jpg": encoded(Image.fromarray(np.asarray(Image.open(io.BytesIO(fresh())).resize((40, 40))))),
        "blank.jpg": encoded(Image.new("RGB", (100, 100), (120, 90, 80))),
        "strange.jpg": fresh(),
        "old.jpg": fresh(),
        "unnamed.jpg": fresh(),
        "nv_mole.jpg": fresh(),
    }
    lines = [f"{name},nv,50" for name in files if name not in ("strange.jpg", "old.jpg", "unnamed.jpg", "nv_mole.jpg")]
    lines += ["strange.jpg,wart,50", "old.jpg,nv,199", "absent.jpg,nv,50"]
    sent = [image(name, data) for name, data in files.items()] + [table(*lines, columns="file,diagnosis,age")]
    answered = served.post(PATH, files=sent).json()
    assert [one["name"] for one in answered["accepted"]] == ["good.jpg"]
    assert reasons(answered) == {
        "text.jpg": "not_an_image",
        "empty.jpg": "empty",
        "cut.jpg": "truncated",
        "huge.jpg": "too_many_pixels",
        "tiny.jpg": "too_small",
        "blank.jpg": "blank",
        "strange.jpg": "label_unmapped",
        "old.jpg": "age_impossible",
        "absent.jpg": "missing",
        "unnamed.jpg": "not_in_table",
        "nv_mole.jpg": "not_in_table",
    }
    assert all(one["message"] for one in answered["rejected"])
    newest = served.get(f"{PATH}/batches").json()["batches"][0]
    assert (newest["batch_id"], newest["accepted"], newest["rejected"]) == (answered["batch_id"], 1, 11)
    assert newest["uploaded_by"] == "the clinician"


def test_an_image_is_a_sample_once(served: Served) -> None:
    picture = fresh()
    sent = [image("a.jpg", picture), image("b.jpg", picture), table("a.jpg,nv", "b.jpg,nv")]
    first = served.post(PATH, files=sent).json()
    assert (len(first["accepted"]), reasons(first)) == (1, {"b.jpg": "duplicate"})
    again = served.post(PATH, files=[image("c.jpg", picture), table("c.jpg,nv")]).json()
    assert (again["accepted"], reasons(again)) == ([], {"c.jpg": "duplicate"})


def test_contradictions_are_not_taken(served: Served) -> None:
    twice = fresh()
    files = {name: fresh() for name in ("l1.jpg", "l2.jpg", "other.jpg", "named.jpg")} | {
        "x.jpg": twice,
        "y.jpg": twice,
    }
    lines = ["l1.jpg,nv,p,1", "l2.jpg,mel,p,1", "other.jpg,mel,q,1", "named.jpg,nv,,", "named.jpg,mel,,"]
    lines += ["x.jpg,nv,,", "y.jpg,bcc,,"]
    sent = [image(name, data) for name, data in files.items()]
    answered = served.post(PATH, files=[*sent, table(*lines, columns="file,diagnosis,patient,lesion")]).json()
    assert [one["name"] for one in answered["accepted"]] == ["other.jpg"]
    conflict = "label_conflict"
    assert reasons(answered) == {
        "l1.jpg": conflict,
        "l2.jpg": conflict,
        "x.jpg": conflict,
        "y.jpg": conflict,
        "named.jpg": "duplicate_id",
    }
    later = [image("later.jpg", fresh()), table("later.jpg,nv,q,1", columns="file,diagnosis,patient,lesion")]
    assert reasons(served.post(PATH, files=later).json()) == {"later.jpg": conflict}


def test_what_deserves_a_word_is_told_and_taken(served: Served) -> None:
    grey = encoded(Image.open(io.BytesIO(fresh())), "PNG")
    soft = encoded(Image.open(io.BytesIO(fresh())).resize((8, 6)).resize((160, 120), Image.Resampling.BICUBIC))
    lines = ["a.jpg,nv,f,,torso", "soft.jpg,nv,,hearsay,somewhere"]
    sent = [
        image("a.jpg", grey),
        image("soft.jpg", soft),
        table(*lines, columns="file,diagnosis,sex,confirmed_by,site"),
    ]
    warnings = {one["name"]: " ".join(one["warnings"]) for one in served.post(PATH, files=sent).json()["accepted"]}
    assert "wrong ending: the file is png" in warnings["a.jpg"]
    assert "sex 'f'" in warnings["a.jpg"]
    assert "blurred" in warnings["soft.jpg"]
    assert "confirmed_by 'hearsay'" in warnings["soft.jpg"]
    assert "site 'somewhere'" in warnings["soft.jpg"]
    assert "site" not in warnings["a.jpg"]


def test_a_zip_is_read_with_the_table_that_lies_in_it(served: Served) -> None:
    lines = "file;diagnosis\nimages/a.jpg;nv\nb.jpg;mel\nupload/images/c.jpg;bcc\n"
    pictures = {f"upload/images/{name}.jpg": fresh() for name in "abc"}
    left = {"__MACOSX/upload/._a.jpg": b"x", "upload/.DS_Store": b"x"}
    answered = send_zip(served, zipped(**pictures, **left, **{"upload/labels.csv": lines.encode()}))
    assert answered.status_code == 201, answered.text
    told = answered.json()
    assert told["rejected"] == []
    assert {one["name"] for one in told["accepted"]} == set(pictures)


def test_entries_that_lead_elsewhere_are_refused_by_name(served: Served) -> None:
    buffer = io.BytesIO()
    bad = {
        "../up.jpg": "bad_name",
        "/etc/absolute.jpg": "bad_name",
        "a/../../b.jpg": "bad_name",
        "C:\\drive.jpg": "bad_name",
        "inner.zip": "nested_archive",
        "link.jpg": "not_a_file",
    }
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in bad:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o120777 if name == "link.jpg" else 0o100644) << 16
            archive.writestr(entry, fresh())
        archive.writestr("good.jpg", fresh())
        archive.writestr("table.csv", "file,diagnosis\ngood.jpg,nv\n../up.jpg,nv\nlink.jpg,nv\n")
    answered = send_zip(served, buffer.getvalue()).json()
    assert [one["name"] for one in answered["accepted"]] == ["good.jpg"]
    assert reasons(answered) == bad


def test_a_form_with_names_that_lead_elsewhere_loses_only_those(served: Served) -> None:
    sent = [image("../../etc/passwd", fresh()), image("ok.jpg", fresh()), table("../../etc/passwd,nv", "ok.jpg,nv")]
    answered = served.post(PATH, files=sent).json()
    assert [one["name"] for one in answered["accepted"]] == ["ok.jpg"]
    assert reasons(answered) == {"../../etc/passwd": "bad_name"}


def bomb() -> bytes:
    """A zip of half a megabyte that unpacks to more than half a gigabyte."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("table.csv", "file,diagnosis\nbomb.jpg,nv\n")
        with archive.open("bomb.jpg", "w") as entry:
            for _ in range(510):
                entry.write(bytes(1_000_000))
    return buffer.getvalue()


def lying_zip() -> bytes:
    """A zip whose list says that an entry is small, and whose end says that there are 60,000 entries."""
    data = bytearray(zipped(**{"a.jpg": b"x", "table.csv": b"file,diagnosis\na.jpg,nv\n"}))
    place = data.rindex(b"PK\x05\x06")
    data[place + 8 : place + 12] = struct.pack("<2H", 60_000, 60_000)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (bomb, "unpacks"),
        (lambda: zipped(**{f"{n}.jpg": b"x" for n in range(10_000)}), "files"),
        (lying_zip, "files"),
        (lambda: zipped(**{"a.jpg": b"x"}), "no tables"),
        (lambda: zipped(**{"a.csv": b"x", "b.csv": b"x"}), "2 tables"),
        (lambda: zipped(**{"a.jpg": b"x"})[:-9], "no zip"),
        (lambda: b"this is no zip", "no zip"),
        (lambda: b"", "no zip"),
    ],
    ids=["bomb", "10,000 files", "lies", "no table", "two tables", "cut off", "no zip", "empty"],
)
def test_an_archive_that_is_none_is_refused_unread(served: Served, data: Callable[[], bytes], said: str) -> None:
    answered = send_zip(served, data())
    assert (answered.status_code, answered.json()["field"]) == (422, "archive")
    assert said in answered.json()["detail"]


def test_an_entry_larger_than_one_image_may_be_is_refused_by_name(served: Served) -> None:
    bomb = {"bomb.jpg": bytes(30_000_000), "good.jpg": fresh()}
    answered = send_zip(served, zipped(**bomb, **{"t.csv": b"file,diagnosis\nbomb.jpg,nv\ngood.jpg,nv\n"})).json()
    assert reasons(answered) == {"bomb.jpg": "too_large"}
    assert [one["name"] for one in answered["accepted"]] == ["good.jpg"]


def test_a_damaged_entry_costs_only_itself(served: Served) -> None:
    data = bytearray(
        zipped(**{"bad.jpg": fresh(), "good.jpg": fresh(), "t.csv": b"file,diagnosis\nbad.jpg,nv\ngood.jpg,nv"})
    )
    data[200:260] = bytes(60)
    answered = send_zip(served, bytes(data)).json()
    assert reasons(answered) == {"bad.jpg": "truncated"}
    assert [one["name"] for one in answered["accepted"]] == ["good.jpg"]


@pytest.mark.parametrize(
    ("files", "field"),
    [
        ([image("a.jpg", b"x")], "table"),
        ([image("a.jpg", b"x"), table("a.jpg,nv"), table("a.jpg,nv")], "table"),
        ([table("a.jpg,nv", columns="file,diagnosis,colour")], "table"),
        ([table("a.jpg", columns="file")], "table"),
        ([("table", ("t.csv", b"file,diagnosis\n\xff\xfe,nv\n", "text/csv"))], "table"),
        ([table("a.jpg,nv"), ("archive", ("a.zip", b"x", "application/zip"))], "archive"),
        ([("pictures", ("a.jpg", b"x", "image/jpeg"))], "pictures"),
        ([image(f"{n}.jpg", b"x") for n in range(1_100)], "images"),
    ],
)
def test_an_upload_that_is_none_is_refused(served: Served, files: list, field: str) -> None:
    answered = served.post(PATH, files=files)
    assert (answered.status_code, answered.json()["field"]) == (422, field)


@pytest.mark.parametrize("kind", ["application/zip", "text/csv", "application/json", ""])
def test_a_body_of_another_type_is_refused(served: Served, kind: str) -> None:
    assert served.post(PATH, content=b"x", headers={"Content-Type": kind}).status_code == 415


def test_a_body_beyond_the_limit_is_refused(tmp_path, serving_bundle) -> None:
    with serving(tmp_path / "home", serving_bundle, max_upload_mb=0.01) as small:
        answered = small.post(PATH, files=[image("a.jpg", bytes(20_000)), table("a.jpg,nv")])
        assert (answered.status_code, answered.json()["field"]) == (413, "body")

        def endless():
            for _ in range(100):
                yield bytes(1000)

        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        assert small.post(PATH, content=endless(), headers=headers).status_code == 413


def test_the_checks_are_those_of_a_dataset() -> None:
    usual = CheckSettings()
    assert (usual.min_short_side, usual.min_contrast) == (checks.MIN_SHORT_SIDE, checks.MIN_CONTRAST)
    assert (usual.min_sharpness, CHECKED_SHORT_SIDE) == (checks.MIN_SHARPNESS, checks.MEASURED_SHORT_SIDE)
    assert {"label_unmapped", "label_conflict", "age_impossible", "too_small", "blank", "missing"} <= set(REASONS)
