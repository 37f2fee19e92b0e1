"""The data page: every number is counted from the tables, and nothing is claimed that they don't show."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nevus.data.ingest import ingest
from nevus.data.manifest import conform
from nevus.data.settings import DataSettings
from nevus.data.splits import SplitSettings, make_split
from nevus.errors import InputError
from nevus.reporting.describe import DescribeSettings, describe
from nevus.reporting.describe.categories import diagnosis_figures, diagnosis_rows, people_figures
from nevus.reporting.describe.duplicates import duplicate_sheet
from nevus.reporting.describe.leakage import prove_no_leakage
from nevus.reporting.describe.missing import missing_rows, missing_words
from nevus.reporting.describe.overview import headline_numbers
from nevus.reporting.describe.rejected import rejected_rows
from nevus.reporting.describe.samples import sample_groups
from nevus.reporting.describe.sizes import size_figures, size_words


def row(k: int, diagnosis: str = "nv", **known: object) -> dict[str, object]:
    lesion = known.get("lesion_id", f"L{k}")
    return {
        "image_id": f"im_{k:03d}",
        "dataset": "clinic",
        "lesion_id": lesion,
        "group_id": f"lesion:{lesion}",
        "diagnosis": diagnosis,
        "malignant": diagnosis in ("mel", "bcc"),
        "confirmed_by": "histology" if diagnosis == "mel" else "follow_up",
        "age": 30.0 + k,
        "sex": "female" if k % 4 else "male",
        "site": "back",
        "source": "north" if k % 2 else "south",
        "licence": "CC-BY-NC-4.0",
        "attribution": "The <Clinic> & friends",
        "uri": f"/images/im_{k:03d}.jpg",
        "sha256": f"{k:064x}",
        "width": 600,
        "height": 450,
        **known,
    }


@pytest.fixture
def manifest() -> pl.DataFrame:
    """40 images of 30 lesions: 28 nv, 12 mel; lesions 0 to 9 have two images each."""
    rows = [row(k, "mel" if k % 10 >= 7 else "nv") for k in range(30)]
    rows += [row(30 + k, "mel" if k % 10 >= 7 else "nv", lesion_id=f"L{k}", age=None) for k in range(10)]
    return conform(pl.DataFrame(rows, infer_schema_length=None))


@pytest.fixture
def split(manifest: pl.DataFrame) -> pl.DataFrame:
    return make_split(manifest, SplitSettings(validation=0.2, test=0.2))[0]


def read(image_id: str) -> np.ndarray:
    return np.full((45, 60, 3), int(image_id[-3:]) * 5, np.uint8)


def stats(manifest: pl.DataFrame, **tables: pl.DataFrame | None) -> dict[str, str]:
    numbers = headline_numbers(manifest, tables.get("duplicates"), tables.get("rejected"))
    return {stat.name: stat.figure for stat in numbers}


def test_headline_numbers_are_counted(manifest: pl.DataFrame) -> None:
    assert stats(manifest) == {
        "Images": "40",
        "Lesions": "30",
        "Patients": "unknown",
        "Malignant": "30.0 %",
        "By histology": "30.0 %",
    }


def test_patients_are_counted_within_their_dataset(manifest: pl.DataFrame) -> None:
    patients = manifest.with_columns(
        patient_id=pl.lit("P1"), dataset=pl.when(pl.col("sex") == "male").then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    assert stats(patients)["Patients"] == "2"


def test_images_without_a_patient_are_no_patient(manifest: pl.DataFrame) -> None:
    some = manifest.with_columns(patient_id=pl.when(pl.col("sex") == "male").then(pl.lit("P1")))
    assert stats(some)["Patients"] == "1"


def test_what_is_not_recorded_is_said_and_not_invented(manifest: pl.DataFrame) -> None:
    bare = conform(manifest.select("image_id", "dataset", "group_id", "diagnosis", "uri"))
    assert stats(bare) == {
        "Images": "40",
        "Lesions": "unknown",
        "Patients": "unknown",
        "Malignant": "unknown",
        "By histology": "unknown",
    }
    assert people_figures(bare) == []
    assert "not recorded" in size_words(bare)
    assert size_figures(bare) == []


def test_classes_are_counted_by_image_lesion_and_group(manifest: pl.DataFrame) -> None:
    nevus, melanoma = diagnosis_rows(manifest)
    assert nevus == ["Melanocytic nevus (nv)", "28", "70.0 %", "21", "21", "1.33", "0 (0 %)"]
    assert melanoma == ["Melanoma (mel)", "12", "30.0 %", "9", "9", "1.33", "12 (100 %)"]


def test_a_reading_says_what_its_chart_shows(manifest: pl.DataFrame) -> None:
    figures = {f.title: f for f in [*diagnosis_figures(manifest), *people_figures(manifest)]}
    assert figures["Images by diagnosis"].reading == (
        "Melanocytic nevus is 70.0 % of all images; melanoma, the rarest, 30.0 %."
    )
    assert figures["Images of one lesion"].reading.startswith("20 images share their lesion")
    assert "2 images: 10 (33.3 %)" in figures["Images of one lesion"].svg
    assert figures["Age"].reading.startswith("Known for 75.0 %; half of the images between 37.25 and 51.75 years")
    assert figures["How the diagnosis was confirmed"].reading == (
        "Histology stands behind 100 % of the malignant and 0 % of the benign images."
    )


def test_ages_fall_into_bins_of_five_years_by_hand(manifest: pl.DataFrame) -> None:
    age = next(f for f in people_figures(manifest) if f.title == "Age")
    # ages 30 to 59, each once; malignant are those whose last digit is 7, 8 or 9
    assert "30 to 35: 5;" in age.svg
    assert "<title>35 to 40: 3 malignant</title>" in age.svg
    assert "<title>35 to 40: 2 benign</title>" in age.svg


def test_sizes_are_told_in_words_where_all_are_equal_and_drawn_where_not(manifest: pl.DataFrame) -> None:
    assert size_words(manifest) == "Every image has 600 × 450 pixels, an aspect ratio of 1.33 to 1."
    assert size_figures(manifest) == []
    mixed = manifest.with_columns(width=pl.when(pl.col("sex") == "male").then(450).otherwise(pl.col("width")))
    common, short = size_figures(
        conform(mixed.with_columns(height=pl.when(pl.col("width") == 450).then(300).otherwise(450)))
    )
    assert "600 × 450: 30 (75.0 %)" in common.svg
    assert short.reading == "From 300 to 450 pixels; half of the images have at least 450."


def test_samples_are_the_same_every_time_and_of_different_lesions(manifest: pl.DataFrame) -> None:
    groups = sample_groups(manifest, read, each=4, max_side=60)
    again = sample_groups(manifest.reverse(), read, each=4, max_side=60)
    assert [(g.code, g.images) for g in groups] == [("nv", 28), ("mel", 12)]
    assert [[t.caption for t in g.tiles] for g in groups] == [[t.caption for t in g.tiles] for g in again]
    lesions = dict(manifest.select("image_id", "group_id").iter_rows())
    for group in groups:
        ids = [t.caption.split(" ")[0] for t in group.tiles]
        assert len({lesions[i] for i in ids}) == len(ids) == 4


def test_an_image_that_cannot_be_read_says_so_in_its_place(manifest: pl.DataFrame) -> None:
    def broken(image_id: str) -> np.ndarray:
        raise InputError(f"{image_id} is gone")

    tile = sample_groups(manifest, broken, each=1, max_side=60)[0].tiles[0]
    assert tile.thumbnail is None
    assert "can't be shown: im_" in tile.caption


def test_an_honest_split_is_proven_number_by_number(manifest: pl.DataFrame, split: pl.DataFrame) -> None:
    proof = prove_no_leakage(manifest, split, None)
    assert proof.proven
    assert proof.verdict == "No lesion is in two parts"
    assert "Patients are not recorded" in proof.words
    shared = {line[0]: line[1:] for line in proof.shared}
    assert shared["lesions"] == shared["groups"] == shared["identical files"] == ["0", "0", "0"]
    assert shared["patients"][0] == "not recorded, so it can't be shown"
    held = {line[0]: int(line[1].split(" ")[0]) for line in proof.parts}
    assert held == dict(split.group_by("split").len().iter_rows())


@pytest.mark.parametrize(
    ("patients", "lesions", "verdict", "caveat"),
    [
        (True, True, "No patient and no lesion is in two parts", None),
        (True, False, "No patient is in two parts", None),
        (False, True, "No lesion is in two parts", "two images of one patient may still"),
        (
            False,
            False,
            "No image is in two parts, and more can't be shown",
            "Patients and lesions are not recorded: two images of one lesion",
        ),
    ],
)
def test_the_verdict_claims_no_more_than_is_recorded(
    manifest: pl.DataFrame, patients: bool, lesions: bool, verdict: str, caveat: str | None
) -> None:
    told = manifest.head(30).with_columns(
        patient_id=pl.col("image_id") if patients else pl.lit(None, pl.String),
        lesion_id=pl.col("lesion_id") if lesions else pl.lit(None, pl.String),
    )
    proof = prove_no_leakage(told, make_split(told, SplitSettings())[0], None)
    assert proof.verdict == verdict
    assert proof.proven == (patients or lesions)
    assert (caveat in proof.words) if caveat else ("recorded" not in proof.words)


def test_a_torn_lesion_is_found_even_if_the_splits_own_groups_hide_it(
    manifest: pl.DataFrame, split: pl.DataFrame
) -> None:
    torn = split.with_columns(
        group_id=pl.col("image_id"),
        split=pl.when(pl.col("image_id") == "im_030").then(pl.lit("test")).otherwise(pl.lit("train")),
    )
    proof = prove_no_leakage(manifest, torn, None)
    assert not proof.proven
    assert proof.verdict == "The parts share what they must not"
    assert {line[0]: line[1:] for line in proof.shared}["lesions"] == ["1"]


def test_a_torn_duplicate_is_found(manifest: pl.DataFrame) -> None:
    halves = manifest.select("image_id", "group_id").with_columns(
        split=pl.when(pl.col("group_id") == "lesion:L20").then(pl.lit("test")).otherwise(pl.lit("train"))
    )
    pairs = pl.DataFrame({"image_a": ["im_020", "im_011"], "image_b": ["im_011", "im_012"]})
    proof = prove_no_leakage(manifest, halves, pairs)
    assert {line[0]: line[1:] for line in proof.shared}["confirmed duplicates"] == ["1"]
    assert not proof.proven


def test_patients_across_parts_are_a_leak_too(manifest: pl.DataFrame, split: pl.DataFrame) -> None:
    one = manifest.with_columns(patient_id=pl.lit("P1"))
    assert not prove_no_leakage(one, split, None).proven


def test_the_contrast_is_computed_and_left_out_where_no_lesion_repeats(
    manifest: pl.DataFrame, split: pl.DataFrame
) -> None:
    leak = prove_no_leakage(manifest, split, None).figures[-1]
    assert leak.title == "What a random split would leak"
    average = float(re.search(r"on average ([\d.]+)", leak.reading)[1])
    # a test image of a lesion with two images leaks with probability 1 - 7/39: half of the images are such ones
    test = split.filter(pl.col("split") == "test").height
    assert average == pytest.approx(50 * (1 - (test - 1) / 39), abs=8)
    single = manifest.head(30)
    assert [f.title for f in prove_no_leakage(single, split, None).figures] == ["Every class in every part"]


def test_duplicates_are_shown_with_what_their_rows_disagree_on(manifest: pl.DataFrame) -> None:
    pairs = pl.DataFrame(
        {"image_a": ["im_000", "im_001"], "image_b": ["im_030", "im_004"], "kind": ["exact_bytes", "near"]}
    )
    sheet = duplicate_sheet(manifest, pairs, read, most=10, max_side=60)
    assert sheet.lead.startswith(
        "2 pairs of images confirmed to show the same, 1 of them filed under different lesions"
    )
    assert [p.kind for p in sheet.pairs] == ["near", "exact bytes"]  # across lesions first
    assert sheet.pairs[0].differences == "sex: female / male; age: 31.0 / 34.0"
    assert sheet.pairs[1].differences == "sex: male / female; age: 30.0 / unknown"


def test_pairs_beyond_the_limit_are_counted(manifest: pl.DataFrame) -> None:
    pairs = pl.DataFrame({"image_a": ["im_000"] * 5, "image_b": [f"im_00{k}" for k in range(1, 6)]})
    sheet = duplicate_sheet(manifest, pairs, read, most=2, max_side=60)
    assert (len(sheet.pairs), sheet.not_shown) == (2, 3)


@pytest.fixture
def rejected(manifest: pl.DataFrame) -> pl.DataFrame:
    return manifest.head(3).with_columns(
        reason=pl.Series(["missing", "truncated", "missing"]), detail=pl.Series(["gone", None, "<gone>"])
    )


def test_rejected_rows_are_counted_by_reason_and_named(rejected: pl.DataFrame) -> None:
    shown = rejected_rows(rejected, most=2)
    assert shown.reasons == [
        ["missing", "there is no such file", "2"],
        ["truncated", "the image is truncated or damaged", "1"],
    ]
    assert [line[0] for line in shown.rows] == ["im_000", "im_002"]
    assert shown.not_shown == "1 more row in rejected.parquet"


def test_missing_values_are_counted_and_an_unknown_diagnosis_is_missing(manifest: pl.DataFrame) -> None:
    some = manifest.with_columns(
        diagnosis=pl.when(pl.col("sex") == "male").then(pl.lit("unknown")).otherwise("diagnosis")
    )
    lines = {line[0]: line[1:] for line in missing_rows(some)}
    assert lines["Age"] == ["30", "10", "25.0 %"]
    assert lines["Diagnosis"] == ["30", "10", "25.0 %"]
    assert lines["Patient"] == ["0", "40", "100 %"]
    assert "No patient ids" in missing_words(some)
    assert "darker skin" in missing_words(some)


class Page(HTMLParser):
    """What a browser would ask for, and what an image or chart lacks."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.requests: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.ids: set[str | None] = set()
        self.anchors: set[str] = set()
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.ids.add(found.get("id"))
        for name in ("src", "href"):
            address = found.get(name) or ""
            if address.startswith("#"):
                self.anchors.add(address[1:])
            elif address and not address.startswith("data:"):
                self.requests.append(address)
        if tag == "img":
            self.images.append(found)


@pytest.fixture
def html(manifest: pl.DataFrame, split: pl.DataFrame, rejected: pl.DataFrame, tmp_path: Path) -> str:
    pairs = pl.DataFrame({"image_a": ["im_001"], "image_b": ["im_004"], "kind": ["published"]})
    path = describe(
        manifest,
        split=split,
        duplicates=pairs,
        rejected=rejected,
        read_pixels=read,
        output_html=tmp_path / "deep" / "data.html",
    )
    return path.read_text()


def test_the_page_asks_for_nothing_outside_itself(html: str) -> None:
    page = Page(html)
    assert page.requests == []
    assert "script" not in page.tags
    assert "url(" not in html
    assert "@import" not in html
    assert "default-src 'none'" in html


def test_every_image_and_chart_has_its_words(html: str) -> None:
    page = Page(html)
    assert len(page.images) == 6 + 6 + 2
    assert all(image["alt"] and image["width"] for image in page.images)
    assert html.count('role="img"') == len(re.findall(r'role="img"[^>]*><title>[^<]+</title>', html)) > 8


def test_every_entry_of_the_contents_leads_somewhere(html: str) -> None:
    page = Page(html)
    assert page.anchors <= page.ids
    assert {"diagnoses", "people", "images", "duplicates", "split", "missing", "rejected"} <= page.anchors


def test_text_of_the_tables_is_escaped(html: str) -> None:
    assert "The &lt;Clinic&gt; &amp; friends" in html
    assert "<gone>" not in html


def test_the_page_says_what_it_is_and_is_not(html: str) -> None:
    assert "Decision support, not diagnosis" in html
    assert "embeds images of patients" in html
    assert "CC-BY-NC-4.0" in html


def test_sections_without_a_table_are_left_out(manifest: pl.DataFrame, tmp_path: Path) -> None:
    settings = DescribeSettings(samples=0)
    path = describe(manifest, read_pixels=read, output_html=tmp_path / "p.html", settings=settings)
    page = Page(path.read_text())
    assert not {"duplicates", "split", "rejected"} & (page.ids | page.anchors)
    assert page.images == []
    assert [p.name for p in tmp_path.iterdir()] == ["p.html"]


def test_an_empty_manifest_is_refused(manifest: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no rows"):
        describe(manifest.head(0), read_pixels=read, output_html=tmp_path / "p.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("split", "the split lacks the column image_id and split; it has x"),
        ("duplicates", "the table of duplicates lacks the column image_a and image_b"),
        ("rejected", "the table of rejected rows lacks the column image_id, reason and uri"),
    ],
)
def test_a_table_without_its_columns_is_refused_by_name(
    manifest: pl.DataFrame, tmp_path: Path, name: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        describe(manifest, read_pixels=read, output_html=tmp_path / "p.html", **{name: pl.DataFrame({"x": [1]})})
    assert list(tmp_path.iterdir()) == []


def test_a_split_of_other_images_is_refused(manifest: pl.DataFrame, split: pl.DataFrame) -> None:
    with pytest.raises(InputError, match="none of the manifest's images"):
        prove_no_leakage(manifest, split.with_columns(image_id=pl.format("other_{}", "image_id")), None)


@pytest.mark.real
def test_ham10000_is_described_as_it_was_measured_by_hand(shared: Path, tmp_path: Path) -> None:
    settings = DataSettings(source="ham10000", root=str(shared / "data" / "ham10000"))
    table = ingest(settings, tmp_path)
    assert stats(table) == {
        "Images": "10,015",
        "Lesions": "7,470",
        "Patients": "unknown",
        "Malignant": "19.5 %",
        "By histology": "53.3 %",
    }
    assert headline_numbers(table, None, None)[0].aside == "1,956 lesions with more than one"
    missing = {line[0]: line[2] for line in missing_rows(table)}
    assert (missing["Age"], missing["Sex"], missing["Body site"]) == ("96", "57", "234")
    by_code = {line[0].rsplit("(", 1)[1].rstrip(")"): line for line in diagnosis_rows(table)}
    assert by_code["mel"][1:4:2] == ["1,113", "614"]
    assert by_code["nv"][-1] == "2,498 (37.3 %)"
