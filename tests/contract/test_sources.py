"""What every dataset's source must do: the same five images give the same manifest, whatever layout they lie in."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from dataset_layouts import LAYOUTS, STORY, Layout, Rows, picture, unchanged
from nevus.data.checks import check_manifest
from nevus.data.manifest import REQUIRED, SCHEMA
from nevus.data.reading import read_bytes
from nevus.data.settings import CheckSettings, DataSettings
from nevus.data.sources import MissingColumnError, MissingDatasetError, open_source
from nevus.errors import EXIT_BAD_INPUT, InputError


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> Layout:
    return LAYOUTS[request.param]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "the dataset é"


def having(attribute: str) -> pytest.MarkDecorator:
    """Only the layouts of which something is true."""
    names = [name for name, layout in LAYOUTS.items() if getattr(layout, attribute)]
    return pytest.mark.parametrize("layout", names, indirect=True)


def read(layout: Layout, root: Path | str, **changes: object) -> pl.DataFrame:
    settings = DataSettings.model_validate(layout.options(root) | changes)
    return open_source(settings.each()[0]).read()


def row_of(table: pl.DataFrame, layout: Layout, number: int) -> dict[str, object]:
    return table.row(by_predicate=pl.col("image_id") == layout.id_of(STORY[number]), named=True)


def test_rows_have_the_manifests_columns_and_types(layout: Layout, root: Path) -> None:
    layout.write(root, unchanged)
    table = read(layout, root)
    assert dict(table.schema) == SCHEMA
    assert table.height == len(STORY)
    assert table.select(pl.col(REQUIRED).is_null().any()).row(0) == (False,) * len(REQUIRED)
    assert table["image_id"].to_list() == sorted(layout.id_of(case) for case in STORY)
    assert table["dataset"].unique().to_list() == [layout.source]


def test_labels_are_translated_and_the_malignant_ones_marked(layout: Layout, root: Path) -> None:
    layout.write(root, unchanged)
    table = read(layout, root)
    found = [(row_of(table, layout, n)["diagnosis"], row_of(table, layout, n)["malignant"]) for n in range(5)]
    assert found == [("mel", True), ("mel", True), ("nv", False), ("bkl", False), ("nv", False)]


def test_images_of_one_lesion_or_patient_are_one_group(layout: Layout, root: Path) -> None:
    layout.write(root, unchanged)
    table = read(layout, root)
    digit = pl.col("image_id").str.extract(r"ISIC_000000(\d)")
    together = table.group_by("group_id").agg(digit.sort().alias("members"))["members"].to_list()
    assert sorted(map(tuple, together)) == sorted(layout.groups)


def test_age_sex_and_site_are_in_the_common_words(layout: Layout, root: Path) -> None:
    layout.write(root, unchanged)
    table = read(layout, root)
    for number, case in enumerate(STORY):
        row = row_of(table, layout, number)
        expected = (case.age, case.sex, case.site) if layout.knows_people else (None, None, None)
        assert (row["age"], row["sex"], row["site"]) == expected


def test_every_address_leads_to_its_image(layout: Layout, root: Path) -> None:
    layout.write(root, unchanged)
    table = read(layout, root)
    for number, case in enumerate(STORY):
        assert read_bytes(str(row_of(table, layout, number)["uri"])) == picture(case)


def test_licence_and_attribution_are_stated(layout: Layout, root: Path) -> None:
    layout.write(root, unchanged)
    table = read(layout, root)
    assert table["licence"].null_count() == table["attribution"].null_count() == 0
    assert table["licence"].str.starts_with("CC").all()


@having("table")
def test_the_order_of_rows_plays_no_part(layout: Layout, root: Path, tmp_path: Path) -> None:
    layout.write(root, lambda rows: rows[::-1])
    reversed_rows = read(layout, root)
    shutil.rmtree(root)
    layout.write(root, unchanged)
    assert read(layout, root).equals(reversed_rows)


def test_a_relative_root_gives_absolute_addresses(layout: Layout, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout.write(root, unchanged)
    monkeypatch.chdir(root.parent)
    table = read(layout, root.name)
    assert all(uri.startswith(str(root)) for uri in table["uri"])


def test_a_missing_column_is_named_with_file_and_remedy(layout: Layout, root: Path) -> None:
    for column in layout.required:
        shutil.rmtree(root, ignore_errors=True)
        layout.write(root, lambda rows, c=column: [{k: v for k, v in row.items() if k != c} for row in rows])
        with pytest.raises(MissingColumnError) as raised:
            read(layout, root)
        message = str(raised.value)
        assert str(layout.table) in message
        assert f"lacks the column {column}" in message
        assert "data.columns" in message
        assert raised.value.exit_code == EXIT_BAD_INPUT


def test_a_missing_folder_is_named(layout: Layout, root: Path) -> None:
    with pytest.raises(MissingDatasetError, match=r"there is no folder .*the dataset é; data.root"):
        read(layout, root)


def test_an_empty_folder_is_named(layout: Layout, root: Path) -> None:
    root.mkdir()
    with pytest.raises(MissingDatasetError, match=r"the folder .*the dataset é is empty; data.root"):
        read(layout, root)


def test_a_file_as_root_is_refused(layout: Layout, root: Path) -> None:
    root.write_text("no folder")
    with pytest.raises(MissingDatasetError, match="is not a folder"):
        read(layout, root)


@having("table")
def test_a_missing_table_is_named(layout: Layout, root: Path) -> None:
    layout.write(root, unchanged)
    (root / layout.table).unlink()
    with pytest.raises(MissingDatasetError, match=r"holds no table .*data.table"):
        read(layout, root)


@having("table")
def test_a_table_without_rows_is_refused(layout: Layout, root: Path) -> None:
    layout.write(root, unchanged)
    path = root / layout.table
    path.write_text(path.read_text(encoding="utf-8-sig").splitlines()[0] + "\n")
    with pytest.raises(MissingDatasetError, match="no rows"):
        read(layout, root)


@having("finds_images")
def test_a_dataset_without_images_is_refused(layout: Layout, root: Path) -> None:
    layout.write(root, unchanged)
    for path in [*root.rglob("*.jpg"), *root.rglob("*.hdf5")]:
        path.unlink()
    with pytest.raises(MissingDatasetError, match="images"):
        read(layout, root)


def test_a_table_that_names_its_files_has_each_missing_one_rejected(root: Path) -> None:
    layout = LAYOUTS["table"]
    layout.write(root, unchanged)
    shutil.rmtree(root / layout.images)
    result = check_manifest(read(layout, root), CheckSettings())
    assert result.rejected["reason"].to_list() == ["missing"] * 5


def _relabelled(column: str, label: str):
    def edit(rows: Rows) -> Rows:
        levels = {key: "" for key in rows[4] if key.startswith(("diagnosis_", "benign"))}
        return [*rows[:4], rows[4] | levels | {column: label}]

    return edit


@having("label")
def test_a_label_outside_the_mapping_is_rejected_row_by_row(layout: Layout, root: Path) -> None:
    layout.write(root, _relabelled(layout.label, "Banana split"))
    result = check_manifest(read(layout, root), CheckSettings())
    assert result.accepted.height == 4
    assert result.rejected.select("image_id", "reason").rows() == [(layout.id_of(STORY[4]), "label_unmapped")]
    assert "'Banana split'" in result.rejected["detail"][0]
    assert "data.labels" in result.rejected["detail"][0]


@having("label")
def test_the_settings_can_map_a_label(layout: Layout, root: Path) -> None:
    layout.write(root, _relabelled(layout.label, "Banana split"))
    labels = dict(layout.settings.get("labels", {})) | {"banana SPLIT": "vasc"}
    assert row_of(read(layout, root, labels=labels), layout, 4)["diagnosis"] == "vasc"


@having("age")
@pytest.mark.parametrize("age", ["430", "-3", "about forty"])
def test_an_impossible_age_is_rejected_row_by_row(layout: Layout, root: Path, age: str) -> None:
    layout.write(root, lambda rows: [rows[0], rows[1] | {str(layout.age): age}, *rows[2:]])
    result = check_manifest(read(layout, root), CheckSettings())
    assert result.rejected.select("image_id", "reason").rows() == [(layout.id_of(STORY[1]), "age_impossible")]


@having("table")
def test_an_image_that_is_missing_is_rejected_row_by_row(layout: Layout, root: Path) -> None:
    layout.write(root, unchanged)
    extra = "ISIC_0009999"
    path = root / layout.table
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    path.write_text("\n".join([*lines, lines[-1].replace(layout.id_of(STORY[4]), extra)]) + "\n")
    if layout.source == "isic2019":
        truth = root / "ISIC_2019_Training_GroundTruth.csv"
        lines = truth.read_text(encoding="utf-8-sig").splitlines()
        truth.write_text("\n".join([*lines, lines[-1].replace(layout.id_of(STORY[4]), extra)]) + "\n")
    result = check_manifest(read(layout, root), CheckSettings())
    assert result.rejected.select("image_id", "reason").rows() == [(extra, "missing")]
    assert extra in result.rejected["detail"][0]
    assert result.accepted.height == 5


@having("images_are_files")
def test_a_truncated_image_is_rejected_row_by_row(layout: Layout, root: Path) -> None:
    layout.write(root, unchanged)
    victim = next((root / layout.images).glob("*0000001*.jpg"))
    victim.write_bytes(victim.read_bytes()[:900])
    result = check_manifest(read(layout, root), CheckSettings())
    assert result.rejected.select("image_id", "reason").rows() == [(layout.id_of(STORY[0]), "truncated")]


@pytest.mark.service
def test_a_dataset_may_lie_in_a_bucket(layout: Layout, root: Path, s3_bucket: str) -> None:
    import s3fs

    layout.write(root, unchanged)
    s3fs.S3FileSystem().put(f"{root}/", f"{s3_bucket}/data", recursive=True)
    table = read(layout, f"{s3_bucket}/data")
    assert all(uri.startswith(f"{s3_bucket}/data/") for uri in table["uri"])
    assert read_bytes(str(row_of(table, layout, 2)["uri"])) == picture(STORY[2])


def test_settings_refuse_a_source_without_root() -> None:
    with pytest.raises(ValueError, match="source ham10000 needs root"):
        DataSettings(source="ham10000")


def test_every_error_of_a_source_is_the_users() -> None:
    assert issubclass(MissingColumnError, InputError)
    assert issubclass(MissingDatasetError, InputError)
