"""The drawn cohort: the same settings give the same files, in any order and after any interruption."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl
import pytest

from nevus.data.synthetic import SyntheticError, SyntheticSettings, generate, synthetic_fingerprint
from nevus.imaging import read_image

SMALL = SyntheticSettings(lesions=14)


def digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted((folder / "images").iterdir())}


def test_the_folder_holds_every_image_of_the_table_at_the_size_asked_for(tmp_path: Path) -> None:
    table = generate(SMALL, tmp_path / "c")
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["images", "metadata.csv", "synthetic.json"]
    assert {Path(file).name for file in table["file"]} == set(digests(tmp_path / "c"))
    first = read_image(tmp_path / "c" / table["file"][0])
    assert (first.width, first.height, first.format) == (160, 120, "jpeg")
    written = pl.read_csv(tmp_path / "c" / "metadata.csv")
    assert written["image_id"].to_list() == table["image_id"].to_list()
    assert set(written.columns) >= {"patient_id", "lesion_id", "diagnosis", "age", "sex", "site", "confirmed_by"}


def test_what_the_painter_knows_beyond_the_record_is_not_told(tmp_path: Path) -> None:
    """`look` and `clarity` would give the answer away."""
    table = generate(SMALL, tmp_path / "c")
    assert not {"look", "clarity", "tone"} & set(table.columns)


def test_the_same_settings_draw_the_same_files(tmp_path: Path) -> None:
    generate(SMALL, tmp_path / "a")
    generate(SMALL, tmp_path / "b")
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_another_seed_draws_other_files(tmp_path: Path) -> None:
    generate(SMALL, tmp_path / "a")
    generate(SMALL.model_copy(update={"seed": 1}), tmp_path / "b")
    assert not set(digests(tmp_path / "a").values()) & set(digests(tmp_path / "b").values())


def test_no_two_images_are_equal(tmp_path: Path) -> None:
    generate(SMALL, tmp_path / "c")
    found = digests(tmp_path / "c")
    assert len(set(found.values())) == len(found)


def test_an_interrupted_run_is_continued_and_kept_images_are_not_drawn_again(tmp_path: Path) -> None:
    larger = SMALL.model_copy(update={"lesions": 60})
    generate(larger, tmp_path / "whole")
    folder = tmp_path / "cut"

    class Stop(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done > 5:
            raise Stop

    with pytest.raises(Stop):
        generate(larger, folder, stop)
    assert not (folder / "metadata.csv").exists()
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "images").glob("*.jpg")}
    assert before
    told: list[tuple[int, int]] = []
    table = generate(larger, folder, lambda done, total: told.append((done, total)))
    assert digests(folder) == digests(tmp_path / "whole")
    assert all((folder / "images" / name).stat().st_mtime_ns == at for name, at in before.items())
    assert told[-1] == (table.height, table.height)
    assert told[0][0] > len(before)


def test_a_finished_cohort_is_not_drawn_again(tmp_path: Path) -> None:
    first = generate(SMALL, tmp_path / "c")
    told: list[int] = []
    assert generate(SMALL, tmp_path / "c", lambda done, _: told.append(done)).equals(first)
    assert told == []


def test_a_lost_image_is_drawn_again(tmp_path: Path) -> None:
    generate(SMALL, tmp_path / "c")
    whole = digests(tmp_path / "c")
    (tmp_path / "c" / "images" / next(iter(whole))).unlink()
    generate(SMALL, tmp_path / "c")
    assert digests(tmp_path / "c") == whole


def test_a_folder_of_other_settings_is_refused_with_the_difference(tmp_path: Path) -> None:
    generate(SMALL, tmp_path / "c")
    with pytest.raises(SyntheticError, match=r"lesions was 14, now 15.*another folder"):
        generate(SMALL.model_copy(update={"lesions": 15}), tmp_path / "c")


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("my thesis")
    with pytest.raises(SyntheticError, match="not an empty folder"):
        generate(SMALL, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_fingerprint_names_the_pictures() -> None:
    assert synthetic_fingerprint(SMALL) == synthetic_fingerprint(SyntheticSettings(lesions=14))
    assert synthetic_fingerprint(SMALL) != synthetic_fingerprint(SyntheticSettings(lesions=14, difficulty=0.4))
