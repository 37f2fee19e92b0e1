"""`nevus data`: what a user types, what is printed, and which exit code a script sees."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from dataset_layouts import LAYOUTS, STORY, picture, unchanged, write_csv
from nevus.cli import app
from nevus.data.manifest import read_manifest
from nevus.data.prepare import PreparedImages


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["data", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, " ".join(result.stderr.split())


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn cohort, checked."""
    folder = tmp_path_factory.mktemp("data")
    code, text, _ = run("synth", "--out", folder / "drawn", "--lesions", 60, "--json")
    assert code == 0
    assert json.loads(text)["lesions"] == 60
    code, text, _ = run(
        "check", "--source", "table", "--root", folder / "drawn", "--set", "data.columns.uri=file",
        "--out", folder / "checked", "--json",
    )  # fmt: skip
    assert code == 0
    assert json.loads(text)["accepted"] == read_manifest(folder / "checked" / "manifest.parquet").height
    return folder / "checked"


@pytest.mark.parametrize(
    "command", ["check", "describe", "split", "duplicates", "prepare", "fetch", "synth", "sources"]
)
def test_every_command_has_help_with_an_example(command: str) -> None:
    code, text, _ = run(command, "--help")
    assert code == 0
    assert f"nevus data {command}" in " ".join(text.split())


def test_check_prints_a_table_and_what_is_rejected(tmp_path: Path) -> None:
    LAYOUTS["ham10000"].write(tmp_path / "ham", lambda rows: [rows[0] | {"age": "430"}, *rows[1:]])
    code, text, _ = run(
        "check", "--source", "ham10000", "--root", tmp_path / "ham", "--out", tmp_path / "out",
        "--set", "data.check.max_rejected_share=0.5", "--set", "data.classes=[nv, mel]",
    )  # fmt: skip
    assert code == 2  # mel has one lesion left
    assert "rejected: 1 of 5 rows (20.0%; allowed are 50.0%)" in text
    assert "the age is not possible" in text
    assert "class mel has only 1 lesion(s)" in text


def test_check_fails_above_the_share_but_leaves_the_reasons(tmp_path: Path) -> None:
    LAYOUTS["isic2020"].write(tmp_path / "isic", unchanged)
    victim = tmp_path / "isic" / "train" / "ISIC_0000003.jpg"
    victim.write_text("a text")
    code, _, errors = run("check", "--source", "isic2020", "--root", tmp_path / "isic", "--out", tmp_path / "out")
    assert code == 1
    assert "1 of 5 rows were rejected (20.0%, allowed are 5.0%): 1 x the file is not an image" in errors
    assert f"{tmp_path}/out/rejected.parquet" in errors
    rejected = pl.read_parquet(tmp_path / "out" / "rejected.parquet")
    assert rejected.select("image_id", "reason").rows() == [("ISIC_0000003", "not_an_image")]


def test_strict_fails_on_any_rejected_row(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    rows = []
    for number in range(24):
        case = STORY[number % 5]
        (tmp_path / "images" / f"{number}.jpg").write_bytes(picture(case) if number else b"")
        rows.append({"image_id": str(number), "diagnosis": "nv" if number % 2 else "bkl"})
    write_csv(tmp_path / "metadata.csv", rows)
    arguments = ("check", "--source", "table", "--root", tmp_path, "--out", tmp_path / "out")
    assert run(*arguments)[0] == 0
    assert run(*arguments, "--strict")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no dataset is named: give --source and --root"),
        (("--source", "ham1000", "--root", "x"), "data.source: Input should be 'synthetic', 'ham10000'"),
        (("--source", "ham10000"), "source ham10000 needs root"),
        (("--source", "ham10000", "--root", "/nowhere"), "there is no folder /nowhere"),
        (("--source", "folder", "--root", ".", "--set", "data.colums=1"), "did you mean 'data.columns'?"),
        (("nowhere.yaml",), "there is no settings file nowhere.yaml"),
    ],
)
def test_check_refuses_what_it_cannot_use(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, errors = run("check", *arguments)
    assert code == 2
    assert said in errors
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


def test_check_reads_the_data_section_of_a_runs_settings(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("name: x\ntask: malignancy\ndata:\n  synthetic: {lesions: 12}\n  check: {few_lesions: 0}\n")
    code, text, _ = run("check", config, "--out", tmp_path / "out", "--json")
    assert code == 0
    assert sum(json.loads(text)["lesions"].values()) == 12


def test_split_keeps_groups_together_and_tells_what_a_random_split_leaks(checked: Path, tmp_path: Path) -> None:
    out = tmp_path / "split.parquet"
    code, text, _ = run("split", checked / "manifest.parquet", "--out", out, "--folds", 3)
    assert code == 0
    assert "No group stands on two sides" in text
    table = pl.read_parquet(out)
    assert table.group_by("group_id").agg(pl.col("split").n_unique())["split"].max() == 1
    assert set(table["fold"].drop_nulls()) == {0, 1, 2}


def test_a_test_group_stays_test_whatever_the_seed(checked: Path, tmp_path: Path) -> None:
    out = tmp_path / "split.parquet"
    run("split", checked / "manifest.parquet", "--out", out)
    before = set(pl.read_parquet(out).filter(pl.col("split") == "test")["group_id"])
    code, text, _ = run("split", checked / "manifest.parquet", "--out", out, "--seed", 7, "--json")
    assert code == 0
    assert before <= set(pl.read_parquet(out).filter(pl.col("split") == "test")["group_id"])
    summary = json.loads(text)
    assert summary["kept_in_test"] > 0
    assert summary["random_split_by_image"]["leaked_share"] > 0.2


def test_split_can_hold_out_a_source(checked: Path, tmp_path: Path) -> None:
    out = tmp_path / "split.parquet"
    code, _, _ = run("split", checked / "manifest.parquet", "--out", out, "--held-out-source", "clinic_valley")
    assert code == 0
    joined = pl.read_parquet(out).join(read_manifest(checked / "manifest.parquet"), on="image_id")
    assert joined.filter(pl.col("split") == "test")["source"].unique().to_list() == ["clinic_valley"]
    assert "clinic_valley" not in joined.filter(pl.col("split") != "test")["source"].to_list()


def test_the_file_of_a_held_out_source_is_no_memory_for_a_usual_split_nor_the_other_way_round(
    checked: Path, tmp_path: Path
) -> None:
    """Or the source would be test for ever, or what was test before forgotten."""
    by_source, usual = tmp_path / "by-source.parquet", tmp_path / "split.parquet"
    assert run("split", checked / "manifest.parquet", "--out", by_source, "--held-out-source", "clinic_valley")[0] == 0
    assert run("split", checked / "manifest.parquet", "--out", usual)[0] == 0
    before = usual.read_bytes()
    code, _, said = run("split", checked / "manifest.parquet", "--out", by_source)
    assert code == 2
    assert "holds a split that tests on clinic_valley alone, and this one deals all sources alike" in said
    code, _, said = run("split", checked / "manifest.parquet", "--out", usual, "--held-out-source", "clinic_valley")
    assert (code, usual.read_bytes()) == (2, before)
    assert "Name another file with --out" in said
    assert run("split", checked / "manifest.parquet", "--out", by_source, "--held-out-source", "clinic_valley")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere.parquet",), "there is no manifest at nowhere.parquet"),
        (("MANIFEST", "--test", "1.5"), "--test: Input should be less than 1"),
        (("MANIFEST", "--test", "0.6", "--validation", "0.6"), "nothing to train on"),
        (("MANIFEST", "--held-out-source", "mars"), "no image has the source 'mars'"),
    ],
)
def test_split_refuses_what_it_cannot_use(checked: Path, arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    named = [str(checked / "manifest.parquet") if a == "MANIFEST" else a for a in arguments]
    code, _, errors = run("split", *named, "--out", tmp_path / "s.parquet")
    assert code == 2
    assert said in errors
    assert not (tmp_path / "s.parquet").exists()


def test_split_does_not_overwrite_what_is_no_split(checked: Path, tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.parquet"
    thesis.write_text("my thesis")
    code, _, errors = run("split", checked / "manifest.parquet", "--out", thesis)
    assert code == 2
    assert "is there already and is no split" in errors
    assert thesis.read_text() == "my thesis"


def test_describe_writes_one_page_with_what_lies_beside_the_manifest(checked: Path, tmp_path: Path) -> None:
    page = tmp_path / "data.html"
    code, text, _ = run("describe", checked / "manifest.parquet", "--out", page)
    assert code == 0
    assert "patient data" in text
    html = page.read_text()
    assert "Melanoma" in html
    assert "http://" not in html.replace("http://www.w3.org", "")


def test_describe_says_as_json_what_it_took_from_beside_the_manifest(checked: Path, tmp_path: Path) -> None:
    page, alone = tmp_path / "data.html", tmp_path / "alone.parquet"
    alone.write_bytes((checked / "manifest.parquet").read_bytes())
    read_manifest(alone).with_columns(split=pl.lit("train")).select("image_id", "group_id", "split").write_parquet(
        tmp_path / "split.parquet"
    )
    code, text, _ = run("describe", alone, "--out", page, "--json")
    assert code == 0
    assert json.loads(text) == {"page": str(page), "images": read_manifest(alone).height, "with": ["split"]}
    assert page.is_file()


def test_describe_refuses_a_named_file_that_is_missing(checked: Path, tmp_path: Path) -> None:
    code, _, errors = run(
        "describe", checked / "manifest.parquet", "--split", tmp_path / "gone.parquet", "--out", tmp_path / "d.html"
    )
    assert code == 2
    assert "there is no file" in errors


def test_duplicates_are_found_shown_and_joined(checked: Path, tmp_path: Path) -> None:
    """A copy of a file under another lesion and patient."""
    table = read_manifest(checked / "manifest.parquet")
    copied = tmp_path / "copy.jpg"
    copied.write_bytes(Path(table["uri"][0]).read_bytes())
    extra = table.head(1).with_columns(
        image_id=pl.lit("copy"), lesion_id=pl.lit("other"), patient_id=pl.lit("other"), uri=pl.lit(str(copied)),
        group_id=pl.lit("other"),
    )  # fmt: skip
    pl.concat([table, extra]).write_parquet(tmp_path / "manifest.parquet")
    code, text, _ = run("duplicates", tmp_path / "manifest.parquet", "--out", tmp_path / "out", "--no-near", "--json")
    assert code == 0
    summary = json.loads(text)
    assert summary["pairs"] == {"exact_bytes": 1}
    assert summary["groups"]["before"] - summary["groups"]["after"] == 1
    joined = dict(read_manifest(tmp_path / "out" / "manifest.parquet").select("image_id", "group_id").iter_rows())
    assert joined["copy"] == joined[table["image_id"][0]]
    assert (tmp_path / "out" / "duplicates.html").is_file()


def test_fetch_without_network_exits_1_with_the_way_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ISIC_DEV", raising=False)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    code, _, errors = run("fetch", "ham10000", "--out", tmp_path / "ham")
    assert code == 1
    assert "https://doi.org/10.7910/DVN/DBW86T" in errors
    assert str(tmp_path / "ham") in errors


def test_fetch_of_something_unknown_exits_2() -> None:
    code, _, errors = run("fetch", "imagenet")
    assert code == 2
    assert "those that can be fetched are ham10000" in errors


def test_synth_refuses_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    code, _, errors = run("synth", "--out", tmp_path, "--lesions", 2)
    assert code == 2
    assert "not an empty folder" in errors


def test_sources_lists_every_layout() -> None:
    code, text, _ = run("sources", "--json")
    assert code == 0
    rows = {row["source"]: row for row in json.loads(text)}
    assert set(rows) == {
        "synthetic", "ham10000", "isic2019", "isic2020", "isic2024", "isic_archive", "bcn20000", "folder", "table",
    }  # fmt: skip
    assert rows["ham10000"]["fetch"] is True
    assert all(row["layout"] for row in rows.values())


def test_prepare_writes_shards_and_goes_on_where_it_was(checked: Path, tmp_path: Path) -> None:
    arguments = ("prepare", checked / "manifest.parquet", "--out", tmp_path / "p", "--short-side", 32)
    code, text, _ = run(*arguments)
    assert code == 0
    images = read_manifest(checked / "manifest.parquet").height
    assert f"{images} images in 1 shards, " in text
    read = PreparedImages.open(tmp_path / "p")
    assert len(read) == images
    assert min(read.pixels(0).shape[:2]) == 32
    code, text, _ = run(*arguments, "--json")
    assert (code, json.loads(text)["kept"]) == (0, 1)
    code, _, errors = run("prepare", checked / "manifest.parquet", "--out", tmp_path / "p", "--encoding", "raw")
    assert code == 2
    assert "encoding was jpeg, now raw" in errors


@pytest.mark.service
def test_prepare_writes_into_a_bucket(checked: Path, s3_bucket: str, tmp_path: Path) -> None:
    code, text, _ = run("prepare", checked / "manifest.parquet", "--out", f"{s3_bucket}/p", "--short-side", 32)
    assert code == 0
    assert text.startswith(f"{s3_bucket}/p: ")
    assert min(PreparedImages.open(f"{s3_bucket}/p", tmp_path).pixels(0).shape[:2]) == 32


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--source", "ham10000", "--root", "x"),
        ("split", "manifest.parquet"),
        ("duplicates", "manifest.parquet"),
        ("describe", "manifest.parquet"),
        ("synth",),
        ("fetch", "ham10000"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_an_address_is_no_local_folder(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a path, s3://bucket would become a folder called s3: in the working directory."""
    monkeypatch.chdir(tmp_path)
    code, _, errors = run(*arguments, "--out", "s3://bucket/out")
    assert code == 2
    assert "s3://bucket/out is an address" in errors
    assert list(tmp_path.iterdir()) == []
