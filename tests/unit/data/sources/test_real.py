"""The real datasets, as the field knows them: counts that a wrong reading would miss."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from nevus.data.checks.rows import row_faults, row_warnings
from nevus.data.ingest import ingest
from nevus.data.merge import merge_same_images
from nevus.data.settings import DataSettings

pytestmark = pytest.mark.real


def counts(table: pl.DataFrame, column: str) -> dict[str, int]:
    return dict(table[column].value_counts().iter_rows())


@pytest.fixture(scope="module")
def ham(shared: Path) -> pl.DataFrame:
    return ingest(DataSettings(source="ham10000", root=str(shared / "data" / "ham10000")), Path())


@pytest.fixture
def isic2019_root(shared: Path, tmp_path: Path) -> Path:
    """The official tables, and one image so that there is a folder of images."""
    for table in (shared / "data" / "tables").iterdir():
        (tmp_path / table.name).symlink_to(table)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "ISIC_0000000.jpg").write_bytes(b"")
    return tmp_path


def test_ham10000_has_its_images_lesions_and_classes(ham: pl.DataFrame) -> None:
    assert (ham.height, ham["group_id"].n_unique()) == (10_015, 7_470)
    assert counts(ham, "diagnosis") == {
        "nv": 6705, "mel": 1113, "bkl": 1099, "bcc": 514, "akiec": 327, "vasc": 142, "df": 115,
    }  # fmt: skip
    lesions = ham.unique("lesion_id")
    assert counts(lesions, "diagnosis") == {
        "nv": 5403, "mel": 614, "bkl": 727, "bcc": 327, "akiec": 228, "vasc": 98, "df": 73,
    }  # fmt: skip


def test_ham10000_misses_what_it_misses(ham: pl.DataFrame) -> None:
    assert ham.select(pl.col("age", "sex", "site", "patient_id").null_count()).row(0) == (57 + 39, 57, 234, 10_015)
    assert counts(ham, "source") == {
        "vidir_molemax": 3954, "vidir_modern": 3363, "rosendahl": 2259, "vienna_dias": 439,
    }  # fmt: skip
    histology = ham.filter(pl.col("confirmed_by") == "histology")
    assert counts(histology, "diagnosis")["nv"] == 2498
    assert {code: counts(histology, "diagnosis")[code] for code in ("mel", "bcc", "akiec")} == {
        "mel": 1113, "bcc": 514, "akiec": 327,
    }  # fmt: skip


def test_ham10000s_rows_have_no_fault_and_its_images_are_all_there(ham: pl.DataFrame) -> None:
    assert row_faults(ham).is_empty()
    assert row_warnings(ham) == []
    assert all(Path(uri).is_file() for uri in ham["uri"])


def test_isic2020_is_grouped_by_patient_and_binary(shared: Path) -> None:
    table = ingest(DataSettings(source="isic2020", root=str(shared / "data" / "isic2020")), Path())
    assert (table.height, table["group_id"].n_unique()) == (1468, 49)
    assert counts(table, "malignant") == {True: 20, False: 1448}
    assert counts(table, "diagnosis") == {"unknown": 1438, "mel": 20, "nv": 9, "bkl": 1}
    assert row_faults(table).is_empty()
    assert row_warnings(table) == []


def test_isic2019_has_its_classes(isic2019_root: Path) -> None:
    table = ingest(DataSettings(source="isic2019", root=str(isic2019_root)), Path())
    assert table.height == 25_331
    assert counts(table, "diagnosis") == {
        "nv": 12875, "mel": 4522, "bcc": 3323, "bkl": 2624, "akiec": 867, "scc": 628, "vasc": 253, "df": 239,
    }  # fmt: skip
    assert table["image_id"].str.ends_with("_downsampled").sum() == 2074
    assert row_faults(table).is_empty()
    assert row_warnings(table) == []


def test_isic2019_contains_ham10000(ham: pl.DataFrame, isic2019_root: Path) -> None:
    """197 of HAM10000's images of Bowen's disease are called squamous cell carcinoma there."""
    isic = ingest(DataSettings(source="isic2019", root=str(isic2019_root)), Path())
    merged = merge_same_images(pl.concat([ham, isic]))
    assert (merged.kept.height, merged.folded.height) == (25_331, 10_015)
    assert merged.notes == ["197 image(s) are akiec in ham10000 (kept) and scc in isic2019"]
    kept = merged.kept.filter(pl.col("image_id").is_in(ham["image_id"].to_list()))
    assert kept["group_id"].n_unique() == 7470
