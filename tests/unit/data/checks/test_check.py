"""The check: what must work, what is quarantined row by row, and what is refused as a whole."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from manifest_factory import manifest
from nevus.data.checks import CheckError, CheckResult, ClassError, check_manifest, require_usable
from nevus.data.checks.reasons import REASONS, TEXTS
from nevus.data.manifest import SCHEMA, read_manifest
from nevus.data.settings import CheckSettings
from nevus.errors import EXIT_BAD_INPUT, EXIT_FAILED
from odd_images import MUST_WORK, QUARANTINED, encoded, picture, pixels

LENIENT = CheckSettings(max_rejected_share=1.0, few_lesions=0)


Write = Callable[..., dict[str, object]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file and give its manifest row."""

    def make(name: str, data: bytes | None, **row: object) -> dict[str, object]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if data is not None:
            path.write_bytes(data)
        return {"image_id": name, "uri": str(path)} | row

    return make


def check(*rows: dict[str, object], settings: CheckSettings = LENIENT, classes: tuple[str, ...] = ()) -> CheckResult:
    return check_manifest(manifest(*rows), settings, classes=classes)


def reasons(result: CheckResult) -> dict[str, str]:
    return dict(result.rejected.select("image_id", "reason").iter_rows())


def test_all_usual_kinds_of_image_are_accepted(write: Write) -> None:
    result = check(*(write(name, make()) for name, make in MUST_WORK.items()))
    assert reasons(result) == {}
    sizes = {row["image_id"]: (row["width"], row["height"]) for row in result.accepted.iter_rows(named=True)}
    assert sizes.pop("rotated.jpg") == (90, 120)  # upright
    assert set(sizes.values()) == {(120, 90)}
    assert any("first frame of animation" in warning for warning in result.warnings)
    assert any("rotated by exif" in warning for warning in result.warnings)


@pytest.mark.parametrize("name", QUARANTINED)
def test_a_bad_file_is_rejected_with_its_reason_and_the_others_stay(write: Write, name: str) -> None:
    make, reason = QUARANTINED[name]
    result = check(write("good.jpg", encoded(picture())), write(name, make()))
    assert reasons(result) == {name: reason}
    assert name in result.rejected["detail"][0]
    assert result.accepted["image_id"].to_list() == ["good.jpg"]


def test_a_folder_in_the_place_of_an_image_is_rejected(write: Write, tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    assert reasons(check(write("folder.jpg", None))) == {"folder.jpg": "unreachable"}


def test_rows_that_say_wrong_things_are_rejected(write: Write) -> None:
    good = encoded(picture())
    result = check(
        write("fine.jpg", good, age=120.0),
        write("label.jpg", good, diagnosis="unmapped:Banana"),
        write("foreign.jpg", good, diagnosis="psoriasis"),
        write("old.jpg", good, age=430.0),
        write("unborn.jpg", good, age=-1.0),
        write("word.jpg", good, age=float("nan")),
    )
    assert reasons(result) == {
        "foreign.jpg": "label_unmapped",
        "label.jpg": "label_unmapped",
        "old.jpg": "age_impossible",
        "unborn.jpg": "age_impossible",
        "word.jpg": "age_impossible",
    }
    details = dict(result.rejected.select("image_id", "detail").iter_rows())
    assert "'Banana'" in details["label.jpg"]
    assert "430" in details["old.jpg"]


def test_a_lesion_with_two_labels_is_rejected_as_a_whole(write: Write) -> None:
    good = encoded(picture())
    result = check(
        write("a.jpg", good, lesion_id="L1", diagnosis="nv"),
        write("b.jpg", good, lesion_id="L1", diagnosis="mel"),
        write("c.jpg", good, lesion_id="L2", diagnosis="nv"),
        write("d.jpg", good, lesion_id="L2", diagnosis="unknown"),
        write("e.jpg", good, lesion_id="L1", diagnosis="nv", dataset="another"),
        write("f.jpg", good, lesion_id="L3", diagnosis="unknown", malignant=True),
        write("g.jpg", good, lesion_id="L3", diagnosis="unknown", malignant=False),
        write("h.jpg", good, diagnosis="nv"),
        write("i.jpg", good, diagnosis="mel"),
    )
    found = {k: v for k, v in reasons(result).items() if v != "same_image"}
    assert found == dict.fromkeys(["a.jpg", "b.jpg", "f.jpg", "g.jpg"], "label_conflict")
    assert "L1" in result.rejected.filter(pl.col("image_id") == "a.jpg")["detail"][0]
    assert "mel, nv" in result.rejected.filter(pl.col("image_id") == "a.jpg")["detail"][0]


def test_of_equal_rows_of_one_id_the_first_is_kept_and_of_contradicting_ones_none(write: Write) -> None:
    good = write("good.jpg", encoded(picture()))
    result = check(
        good | {"image_id": "twice", "diagnosis": "nv"},
        good | {"image_id": "twice", "diagnosis": "nv"},
        good | {"image_id": "torn", "diagnosis": "nv"},
        good | {"image_id": "torn", "diagnosis": "mel"},
        good | {"image_id": "once"},
    )
    assert result.accepted["image_id"].to_list() == ["once", "twice"]
    assert result.rejected["image_id"].to_list() == ["torn", "torn", "twice"]
    assert result.rejected["reason"].unique().to_list() == ["duplicate_id"]


def test_a_row_with_several_faults_counts_once_and_tells_all(write: Write) -> None:
    result = check(write("gone.jpg", None, age=500.0, diagnosis="unmapped:x"))
    assert result.rejected.height == 1
    assert result.rejected["reason"][0] == "label_unmapped"
    for words in ("'x'", "500", "no such file"):
        assert words in result.rejected["detail"][0]


def test_accepted_and_rejected_make_all_rows(write: Write) -> None:
    rows = [write(name, make()) for name, (make, _) in QUARANTINED.items()]
    rows += [write(name, make()) for name, make in MUST_WORK.items()]
    result = check(*rows)
    assert sorted([*result.accepted["image_id"], *result.rejected["image_id"]]) == sorted(
        str(r["image_id"]) for r in rows
    )
    summary = result.summary
    assert (summary.images, summary.accepted, summary.rejected) == (18, 8, 10)
    assert summary.rejected_share == pytest.approx(10 / 18)
    assert sum(summary.reasons.values()) == 10


def test_a_wrong_ending_and_a_blurred_image_are_warned_of_and_stay(write: Write) -> None:
    smooth = Image.fromarray(pixels(4)).resize((6, 4)).resize((480, 360), Image.Resampling.BICUBIC)
    rows = (write("really.png", encoded(picture())), write("blurred.jpg", encoded(smooth, quality=95)))
    result = check(*rows)
    assert result.accepted.height == 2
    assert any("wrong ending" in w and "really.png, which is jpeg" in w for w in result.warnings)
    assert any("blurred.jpg" in w and "1 image(s) are blurred" in w for w in result.warnings)
    strict = check(*rows, settings=LENIENT.model_copy(update={"reject_blurred": True}))
    assert reasons(strict) == {"blurred.jpg": "blurred"}


def test_files_are_hashed_by_bytes_and_by_pixels(write: Write) -> None:
    import hashlib

    png, bmp, jpg = encoded(picture(5), "PNG"), encoded(picture(5), "BMP"), encoded(picture(5))
    result = check(write("a.png", png), write("b.bmp", bmp), write("c.jpg", jpg))
    hashes = dict(result.accepted.select("image_id", "sha256").iter_rows())
    assert hashes == {n: hashlib.sha256(d).hexdigest() for n, d in (("a.png", png), ("b.bmp", bmp), ("c.jpg", jpg))}
    by_pixels = dict(result.files.select("image_id", "pixel_sha256").iter_rows())
    assert by_pixels["a.png"] == by_pixels["b.bmp"] != by_pixels["c.jpg"]


def test_turned_pixels_are_other_pixels(write: Write) -> None:
    """A square image and its transpose have the same bytes count and shape."""
    square = pixels(6, width=90, height=90)
    result = check(
        write("a.png", encoded(Image.fromarray(square), "PNG")),
        write("b.png", encoded(Image.fromarray(square.transpose(1, 0, 2)), "PNG")),
    )
    assert result.files["pixel_sha256"].n_unique() == 2


def test_classes_that_are_left_out_are_set_aside_and_counted_apart(write: Write) -> None:
    good = encoded(picture())
    result = check(
        write("a.jpg", good), write("b.jpg", good, diagnosis="vasc"), write("c.jpg", None), classes=("nv", "mel")
    )
    assert reasons(result) == {"b.jpg": "class_left_out", "c.jpg": "missing"}
    assert (result.summary.rejected, result.summary.set_aside) == (1, 1)
    assert result.summary.rejected_share == pytest.approx(1 / 3)


def test_the_same_image_in_two_datasets_is_set_aside(write: Write) -> None:
    good = write("ISIC_0000001.jpg", encoded(picture())) | {"image_id": "ISIC_0000001"}
    result = check(good | {"dataset": "x"}, good | {"dataset": "y", "age": 3.0})
    assert result.accepted["dataset"].to_list() == ["y"]
    assert result.summary.reasons == {"same_image": 1}
    assert result.summary.rejected == 0


def few(write: Write, good: int, bad: int) -> list[dict[str, object]]:
    return [write(f"{n}.jpg", encoded(picture(n)) if n < good else None) for n in range(good + bad)]


def test_too_many_rejected_rows_fail_with_their_counts(write: Write) -> None:
    result = check(*few(write, 18, 2), settings=CheckSettings())
    with pytest.raises(CheckError, match=r"2 of 20 rows were rejected \(10\.0%, allowed are 5\.0%\): 2 x there is no"):
        require_usable(result, rejected_at="out/rejected.parquet")
    assert CheckError.exit_code == EXIT_FAILED
    require_usable(check(*few(write, 19, 1), settings=CheckSettings()))


def test_a_class_with_one_group_is_refused_and_few_lesions_are_warned_of(write: Write) -> None:
    rows = few(write, 6, 0)
    rows[0] |= {"diagnosis": "df", "lesion_id": "L", "group_id": "test/lesion:L"}
    rows[1] |= {"diagnosis": "df", "lesion_id": "L", "group_id": "test/lesion:L"}
    result = check(*rows, settings=CheckSettings())
    assert "class df has only 1 lesion(s): its figures will mean little" in result.warnings
    assert "class nv has only 4 lesion(s): its figures will mean little" in result.warnings
    with pytest.raises(ClassError, match=r"class df has a single group.*data\.classes"):
        require_usable(result)
    assert ClassError.exit_code == EXIT_BAD_INPUT
    require_usable(result.__class__(result.accepted.filter(pl.col("diagnosis") == "nv"), *_rest(result)))


def _rest(result: CheckResult) -> tuple[pl.DataFrame, pl.DataFrame, object]:
    return result.rejected, result.files, result.summary


def test_the_binary_task_looks_at_malignancy_instead(write: Write) -> None:
    rows = few(write, 4, 0)
    rows[0] |= {"diagnosis": "mel", "malignant": True}
    rows[1] |= {"diagnosis": "bkl", "malignant": False}
    rows[2] |= {"diagnosis": "unknown", "malignant": False}
    rows[3] |= {"diagnosis": "unknown", "malignant": True}
    result = check(*rows)
    require_usable(result, task="malignancy")
    with pytest.raises(ClassError, match="class bkl has a single group"):
        require_usable(result)


def test_nothing_left_is_refused(write: Write) -> None:
    with pytest.raises(ClassError, match="no image is left"):
        require_usable(check(write("gone.jpg", None)))


def test_every_file_is_read_once_and_progress_is_told_here(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    from nevus.data.checks import files

    read: list[str] = []
    real = files.read_bytes
    monkeypatch.setattr(files, "read_bytes", lambda uri: (read.append(uri), real(uri))[1])
    rows = few(write, 9, 0)
    told: list[tuple[int, int, int]] = []
    table = manifest(*rows, rows[0] | {"image_id": "the same file"})
    check_manifest(table, LENIENT, lambda done, of: told.append((done, of, threading.get_ident())))
    assert sorted(read) == sorted(str(row["uri"]) for row in rows)
    assert told == [(n, 9, threading.get_ident()) for n in range(1, 10)]


def test_the_result_does_not_depend_on_the_number_of_threads(write: Write) -> None:
    rows = [write(name, make()) for name, (make, _) in QUARANTINED.items()] + few(write, 5, 0)
    one, four = (check(*rows, settings=LENIENT.model_copy(update={"workers": n})) for n in (1, 4))
    assert one.accepted.equals(four.accepted)
    assert one.rejected.equals(four.rejected)
    assert one.files.equals(four.files)


def test_the_result_is_written_and_read_again(write: Write, tmp_path: Path) -> None:
    result = check(write("a.jpg", encoded(picture())), write("gone.jpg", None))
    out = tmp_path / "out"
    result.write(out)
    assert read_manifest(out / "manifest.parquet").equals(result.accepted)
    rejected = pl.read_parquet(out / "rejected.parquet")
    assert rejected.columns == [*SCHEMA, "reason", "detail"]
    assert rejected.equals(result.rejected)
    assert json.loads((out / "check.json").read_text())["reasons"] == {"missing": 1}
    assert sorted(p.name for p in out.iterdir()) == [
        "check.json",
        "files.parquet",
        "manifest.parquet",
        "rejected.parquet",
    ]


def test_every_reason_has_its_words() -> None:
    assert set(TEXTS) == set(REASONS)
