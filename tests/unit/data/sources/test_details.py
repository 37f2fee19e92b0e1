"""What single layouts have of their own, beyond the contract that all sources share."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from dataset_layouts import LAYOUTS, STORY, Layout, Rows, picture, unchanged, write_csv
from nevus.data.checks import check_manifest
from nevus.data.checks.rows import row_faults
from nevus.data.ingest import ingest
from nevus.data.settings import CheckSettings, DataSettings
from nevus.data.sources import MissingDatasetError, SourceError, open_source
from nevus.data.sources.isic2019 import one_hot_label


def read(name: str, root: Path, edit: object = unchanged, **changes: object) -> pl.DataFrame:
    layout: Layout = LAYOUTS[name]
    layout.write(root, edit)  # type: ignore[arg-type]
    settings = DataSettings.model_validate(layout.options(root) | changes)
    return open_source(settings.each()[0], malignant=settings.malignant).read()


def test_ham10000_writes_unknown_ages_as_zero(tmp_path: Path) -> None:
    def edit(rows: Rows) -> Rows:
        return [
            rows[0] | {"age": "0.0"},
            rows[1] | {"age": "0"},
            rows[2] | {"age": ""},
            rows[3] | {"age": "5"},
            rows[4],
        ]

    assert read("ham10000", tmp_path, edit)["age"].to_list() == [None, None, None, 5.0, 25.0]


def test_ham10000_tells_how_it_was_confirmed_and_where_it_comes_from(tmp_path: Path) -> None:
    table = read("ham10000", tmp_path)
    assert table["confirmed_by"].to_list() == ["histology", "histology", "follow_up", "follow_up", "follow_up"]
    assert table["source"].unique().to_list() == ["vidir_modern"]


def test_ham10000_images_may_lie_beside_the_table(tmp_path: Path) -> None:
    LAYOUTS["ham10000"].write(tmp_path, unchanged)
    for path in (tmp_path / "images").iterdir():
        path.rename(tmp_path / path.name)
    (tmp_path / "images").rmdir()
    table = open_source(DataSettings(source="ham10000", root=str(tmp_path)).each()[0]).read()
    assert check_manifest(table, CheckSettings()).rejected.is_empty()


def test_isic2019_labels_that_are_not_one_are_rejected(tmp_path: Path) -> None:
    layout = LAYOUTS["isic2019"]
    layout.write(tmp_path, unchanged)
    truth = tmp_path / "ISIC_2019_Training_GroundTruth.csv"
    codes = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK")
    hot = [{"MEL"}, {"MEL", "NV"}, set(), {"UNK"}, {"NV"}]
    rows = [
        {"image": layout.id_of(case)} | {code: "1.0" if code in ones else "0.0" for code in codes}
        for case, ones in zip(STORY, hot, strict=True)
    ]
    write_csv(truth, rows)
    result = check_manifest(
        open_source(DataSettings(source="isic2019", root=str(tmp_path)).each()[0]).read(), CheckSettings()
    )
    assert result.rejected.select("image_id", "reason").rows() == [
        ("ISIC_0000002", "label_unmapped"),
        ("ISIC_0000003", "label_unmapped"),
    ]
    assert "'MEL+NV'" in result.rejected["detail"][0]
    assert dict(result.accepted.select("image_id", "diagnosis").iter_rows())["ISIC_0000004"] == "unknown"


def test_one_hot_reads_numbers_however_they_are_written() -> None:
    table = pl.DataFrame({"A": ["1.0", "0", " 1 ", "x"], "B": ["0.0", "1", "1e0", ""]})
    assert table.select(one_hot_label(["A", "B"]))["literal"].to_list() == ["A", "B", "A+B", None]


def test_isic2020s_own_column_says_what_is_malignant(tmp_path: Path) -> None:
    def edit(rows: Rows) -> Rows:
        return [rows[0] | {"diagnosis": "unknown"}, rows[1], rows[2] | {"benign_malignant": "malignant"}, *rows[3:]]

    table = read("isic2020", tmp_path, edit)
    assert table.select("diagnosis", "malignant").rows()[:3] == [("unknown", True), ("mel", True), ("nv", True)]


def test_without_its_words_isic2020_goes_by_the_target(tmp_path: Path) -> None:
    table = read(
        "isic2020", tmp_path, lambda rows: [{k: v for k, v in r.items() if k != "benign_malignant"} for r in rows]
    )
    assert table["malignant"].to_list() == [True, True, False, False, False]


def test_isic2024_reads_its_archive_and_benign_lesions_without_diagnosis(tmp_path: Path) -> None:
    def edit(rows: Rows) -> Rows:
        blank = {"iddx_full": "Benign", "iddx_1": "Benign", "iddx_2": "", "iddx_3": ""}
        return [*rows[:2], rows[2] | blank, *rows[3:]]

    table = read("isic2024", tmp_path, edit)
    assert table["diagnosis"].to_list() == ["mel", "mel", "unknown", "bkl", "nv"]
    assert table["malignant"].to_list() == [True, True, False, False, False]
    assert table["confirmed_by"].to_list() == ["histology", "histology", None, "histology", "histology"]
    assert table["uri"][0] == f"{tmp_path}/train-image.hdf5#ISIC_0000001"


def test_isic2024_names_a_broken_archive(tmp_path: Path) -> None:
    LAYOUTS["isic2024"].write(tmp_path, unchanged)
    (tmp_path / "train-image.hdf5").write_bytes(b"nothing of the kind")
    with pytest.raises(SourceError, match=r"train-image\.hdf5 is not a readable HDF5 file"):
        open_source(DataSettings(source="isic2024", root=str(tmp_path)).each()[0]).read()


def test_an_export_has_each_images_own_licence(tmp_path: Path) -> None:
    table = read("isic_archive", tmp_path, lambda rows: [rows[0] | {"copyright_license": "CC-0"}, *rows[1:]])
    assert table["licence"].to_list() == ["CC-0", *["CC-BY"] * 4]
    assert table["attribution"].unique().to_list() == ["Hospital of the test"]


def test_bcn20000_has_its_licence_where_the_export_says_none(tmp_path: Path) -> None:
    table = read("bcn20000", tmp_path, lambda rows: [{k: v for k, v in r.items() if "license" not in k} for r in rows])
    assert table["licence"].unique().to_list() == ["CC-BY-NC-4.0"]


def test_an_indeterminate_keratosis_counts_by_its_diagnosis(tmp_path: Path) -> None:
    words = {"diagnosis_1": "Indeterminate", "diagnosis_3": "Solar or actinic keratosis"}
    table = read("isic_archive", tmp_path, lambda rows: [rows[0], rows[1], rows[2], rows[3] | words, rows[4]])
    assert table.select("diagnosis", "malignant").row(3) == ("akiec", True)


def test_the_malignant_set_is_the_settings_where_a_dataset_has_no_column(tmp_path: Path) -> None:
    table = read("ham10000", tmp_path, malignant=["nv"])
    assert table["malignant"].to_list() == [False, False, True, False, True]


def test_a_folder_called_by_no_code_needs_a_label(tmp_path: Path) -> None:
    for name in ("mel", "Muttermal", ".hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(picture(STORY[0]))
    (tmp_path / "notes.txt").write_text("x")
    settings = DataSettings(source="folder", root=str(tmp_path), labels={"Muttermal": "nv"})
    assert open_source(settings.each()[0]).read()["diagnosis"].to_list() == ["nv", "mel"]
    unlabelled = open_source(DataSettings(source="folder", root=str(tmp_path)).each()[0]).read()
    assert check_manifest(unlabelled, CheckSettings()).rejected["image_id"].to_list() == ["Muttermal/1.jpg"]


def test_a_folder_of_images_without_diagnoses_is_refused(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(picture(STORY[0]))
    with pytest.raises(MissingDatasetError, match="<diagnosis>"):
        open_source(DataSettings(source="folder", root=str(tmp_path)).each()[0]).read()


def test_a_table_with_the_manifests_own_names_needs_no_map(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for case in STORY[:2]:
        (tmp_path / "images" / f"{case.image_id}.png").write_bytes(picture(case))
    write_csv(tmp_path / "metadata.csv", [{"image_id": c.image_id, "diagnosis": c.diagnosis} for c in STORY[:2]])
    table = open_source(DataSettings(source="table", root=str(tmp_path), name="mine").each()[0]).read()
    assert [Path(uri).name for uri in table["uri"]] == ["ISIC_0000001.png", "ISIC_0000002.png"]
    assert table["dataset"].unique().to_list() == ["mine"]


def test_a_table_of_malignancies_needs_no_diagnosis(tmp_path: Path) -> None:
    rows = [{"uri": "a.jpg", "malignant": word} for word in ("1", "false", "Malignant", " No ", "", "unknown")]
    write_csv(tmp_path / "table.csv", [row | {"image_id": str(n)} for n, row in enumerate(rows)])
    table = open_source(DataSettings(source="table", root=str(tmp_path)).each()[0]).read()
    assert table["malignant"].to_list() == [True, False, True, False, None, None]
    assert table["diagnosis"].unique().to_list() == ["unknown"]


def test_a_word_for_malignant_that_nobody_knows_stays_visible_for_the_check(tmp_path: Path) -> None:
    words = {"mel": "Malignant melanoma", "nv": "0", "df": "malign", "Banana": "maybe", "bkl": ""}
    rows = [{"uri": "a.jpg", "diagnosis": code, "malignant": word} for code, word in words.items()]
    write_csv(tmp_path / "table.csv", [row | {"image_id": str(n)} for n, row in enumerate(rows)])
    table = open_source(DataSettings(source="table", root=str(tmp_path)).each()[0]).read()
    assert table.select("diagnosis", "malignant").rows() == [
        ("unmapped:malignant=Malignant melanoma", None),
        ("nv", False),
        ("unmapped:malignant=malign", None),
        ("unmapped:Banana", None),
        ("bkl", False),
    ]
    faults = row_faults(table)
    assert dict(faults.select("row", "reason").iter_rows()) == dict.fromkeys((0, 2, 3), "label_unmapped")
    details = dict(faults.select("row", "detail").iter_rows())
    assert (
        details[2]
        == "'malign' in the column malignant of table is neither yes nor no; write 1 or 0, or leave it empty."
    )
    assert "data.labels" in details[3]


@pytest.mark.parametrize("column", ["benign_malignant", "target"])
def test_isic2020s_own_column_may_not_say_anything_else(tmp_path: Path, column: str) -> None:
    def edit(rows: Rows) -> Rows:
        rows = [{k: v for k, v in row.items() if k != "benign_malignant"} | {column: "benign"} for row in rows]
        return [rows[0] | {column: "2"}, rows[1] | {column: ""}, *rows[2:]]

    table = read("isic2020", tmp_path, edit)
    assert table["diagnosis"].to_list()[:3] == ["unmapped:malignant=2", "mel", "nv"]
    assert table["malignant"].to_list()[:3] == [None, True, False]


def test_a_map_of_a_column_that_the_manifest_does_not_have_is_refused(tmp_path: Path) -> None:
    LAYOUTS["table"].write(tmp_path, unchanged)
    settings = DataSettings(source="table", root=str(tmp_path), table="befunde.csv", columns={"diagnose": "befund"})
    with pytest.raises(SourceError, match="diagnose, which is no column of the manifest"):
        open_source(settings.each()[0]).read()


def test_a_parquet_table_is_read_too(tmp_path: Path) -> None:
    pl.DataFrame({"image_id": ["a"], "diagnosis": ["nv"], "uri": ["a.jpg"], "age": [44]}).write_parquet(
        tmp_path / "manifest.parquet"
    )
    table = open_source(DataSettings(source="table", root=str(tmp_path)).each()[0]).read()
    assert table.select("age", "uri").row(0) == (44.0, str(tmp_path / "a.jpg"))


def test_a_table_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "manifest.parquet").write_bytes(b"no parquet")
    with pytest.raises(SourceError, match=r"manifest\.parquet can't be read as a table"):
        open_source(DataSettings(source="table", root=str(tmp_path)).each()[0]).read()


def test_several_datasets_become_one_manifest(tmp_path: Path) -> None:
    LAYOUTS["ham10000"].write(tmp_path / "ham", unchanged)
    LAYOUTS["isic2019"].write(tmp_path / "isic", unchanged)
    settings = DataSettings.model_validate(
        {
            "datasets": [
                {"source": "ham10000", "root": str(tmp_path / "ham")},
                {"source": "isic2019", "root": str(tmp_path / "isic")},
            ]
        }
    )
    table = ingest(settings, tmp_path / "cache")
    assert table["dataset"].to_list() == ["ham10000"] * 5 + ["isic2019"] * 5
    result = check_manifest(table, CheckSettings())
    assert result.accepted.height == 5
    assert result.summary.reasons == {"same_image": 5}


def test_a_drawn_dataset_lies_in_the_cache_and_is_named_by_its_settings(tmp_path: Path) -> None:
    settings = DataSettings.model_validate({"synthetic": {"lesions": 3}})
    table = ingest(settings, tmp_path)
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith("synthetic-")
    assert all(uri.startswith(f"{folder}/images/") for uri in table["uri"])
    assert table["licence"].unique().to_list() == ["CC0-1.0"]
    assert table["group_id"].str.starts_with("synthetic/patient:").all()
    assert table.equals(ingest(settings, tmp_path))


def test_a_drawn_dataset_needs_a_place() -> None:
    with pytest.raises(SourceError, match="needs root"):
        open_source(DataSettings().each()[0]).read()


def test_a_dataset_says_in_every_row_that_its_channels_are_exchanged(tmp_path: Path) -> None:
    assert read("isic2020", tmp_path)["channels"].to_list() == [None] * 5
    assert read("isic2020", tmp_path, channels="bgr")["channels"].to_list() == ["bgr"] * 5
    with pytest.raises(ValueError, match="'rgb' or 'bgr'"):
        read("isic2020", tmp_path, channels="gbr")


def test_an_address_with_a_token_is_refused_by_its_row_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("uri,diagnosis\na.jpg,nv\nhttps://host/b.jpg?sig=hush,nv\n")
    settings = DataSettings.model_validate({"source": "table", "root": str(tmp_path)})
    with pytest.raises(SourceError, match=r"metadata\.csv, row 2, column uri: .* token; .*AWS_PROFILE") as refused:
        ingest(settings, tmp_path / "cache")
    assert "hush" not in str(refused.value)
