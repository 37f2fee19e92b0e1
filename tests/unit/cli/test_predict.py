"""`nevus predict`: what it prints, what it writes, and how it exits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.graphs import METADATA, make_tiny_bundle
from typer.testing import CliRunner

from nevus.bundle.schema import QualityLimits, RefusalLimits
from nevus.cli import app

LIMITS = RefusalLimits(quality=QualityLimits(min_contrast=0.02))


def run(*arguments: object, **environment: str) -> tuple[int, str, str]:
    result = CliRunner(env={"COLUMNS": "200", "NEVUS_BUNDLE": "", **environment}).invoke(
        app, ["predict", *map(str, arguments)]
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def picture(path: Path, colour: tuple[int, int, int] = (110, 30, 20), noise: int = 30) -> Path:
    """With broad stripes, so that it isn't blank."""
    stripes = noise * np.sin(np.arange(120) / 4)[None, :, None].repeat(90, 0)
    pixels = stripes + np.array(colour)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny", refusal=LIMITS)


@pytest.fixture(scope="module")
def with_metadata(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundles") / "metadata", metadata=METADATA)


def test_the_table_shows_what_a_reader_needs(bundle: Path, tmp_path: Path) -> None:
    code, text, _ = run(picture(tmp_path / "a.png"), "--bundle", bundle)
    assert code == 0
    for word in ("a.png", "Basal cell carcinoma", "bcc 0.", "suspicious", "above operating point", "model tiny"):
        assert word in text, word
    assert "Decision support, not a diagnosis" in text


def test_json_is_one_object_a_line_with_the_promised_keys(bundle: Path, tmp_path: Path) -> None:
    paths = [picture(tmp_path / f"{i}.png", (60 + 20 * i, 60, 60)) for i in range(6)]
    code, text, _ = run(*paths, "--bundle", bundle, "--json")
    records = [json.loads(line) for line in text.splitlines()]
    assert code == 0
    assert [r["path"] for r in records] == [str(p) for p in paths]
    for record in records:
        promised = {"path", "diagnosis", "probabilities", "p_malignant", "verdict", "reasons", "ood_score"}
        assert promised <= record.keys()
        malignant = record["probabilities"]["mel"] + record["probabilities"]["bcc"]
        assert record["p_malignant"] == pytest.approx(malignant, abs=1e-5)


def test_unreadable_files_stand_in_their_place_and_the_code_says_so(bundle: Path, tmp_path: Path) -> None:
    text_file = tmp_path / "text.jpg"
    text_file.write_text("no image")
    good = picture(tmp_path / "good.png")
    code, text, _ = run(text_file, good, tmp_path / "absent.png", "--bundle", bundle, "--json")
    records = [json.loads(line) for line in text.splitlines()]
    assert code == 1
    assert [set(r) >= {"path", "error"} for r in records] == [True, False, True]
    assert records[1]["verdict"] == "suspicious"
    code, text, _ = run(text_file, good, "--bundle", bundle)
    assert code == 1
    assert "not an image" in text
    assert "suspicious" in text


def test_folders_are_searched_for_images_of_any_depth_and_case(bundle: Path, tmp_path: Path) -> None:
    for name in ("b.png", "deep/er/a.JPG", "ü/c.tiff", ".hidden/d.png"):
        picture(tmp_path / "in" / name)
    (tmp_path / "in" / "notes.csv").write_text("x")
    code, text, _ = run(tmp_path / "in", "--bundle", bundle, "--json")
    assert code == 0
    names = [Path(json.loads(line)["path"]).name for line in text.splitlines()]
    assert names == ["b.png", "a.JPG", "c.tiff"]


def test_an_empty_folder_is_bad_input(bundle: Path, tmp_path: Path) -> None:
    code, _, message = run(tmp_path, "--bundle", bundle)
    assert code == 2
    assert f"the folder {tmp_path} holds no image" in message


def test_an_unusable_image_has_probabilities_only_with_raw(bundle: Path, tmp_path: Path) -> None:
    blank = picture(tmp_path / "blank.png", (128, 128, 128), noise=0)
    _, text, _ = run(blank, "--bundle", bundle, "--json")
    record = json.loads(text)
    assert (record["verdict"], record["reasons"]) == ("unusable", ["blank"])
    assert record["diagnosis"] is record["probabilities"] is record["p_malignant"] is None
    _, text, _ = run(blank, "--bundle", bundle, "--json", "--raw")
    record = json.loads(text)
    assert record["verdict"] == "unusable"
    assert sum(record["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_strict_exits_1_where_an_image_is_refused(bundle: Path, tmp_path: Path) -> None:
    good, blank = picture(tmp_path / "good.png"), picture(tmp_path / "blank.png", (128, 128, 128), noise=0)
    assert run(good, blank, "--bundle", bundle)[0] == 0
    assert run(good, "--bundle", bundle, "--strict")[0] == 0
    assert run(good, blank, "--bundle", bundle, "--strict")[0] == 1
    assert run(good, blank, "--bundle", bundle, "--strict", "--json")[0] == 1


def test_evidence_is_written_beside_nothing_else_and_never_over_another(bundle: Path, tmp_path: Path) -> None:
    paths = [picture(tmp_path / folder / "a.png") for folder in ("one", "two")]
    maps = tmp_path / "maps"
    code, text, _ = run(*paths, "--bundle", bundle, "--evidence", maps, "--json")
    assert code == 0
    assert sorted(p.name for p in maps.iterdir()) == ["a-2.evidence.png", "a.evidence.png"]
    assert [json.loads(line)["evidence"] for line in text.splitlines()] == [
        str(maps / "a.evidence.png"),
        str(maps / "a-2.evidence.png"),
    ]
    with Image.open(maps / "a.evidence.png") as overlay:
        assert overlay.size == (120, 90)
        assert "not a diagnosis" in overlay.info["Comment"]


def test_evidence_of_a_model_that_gives_none_is_bad_usage(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "b", outputs=("probabilities", "logits"))
    code, _, message = run(picture(tmp_path / "a.png"), "--bundle", bundle, "--evidence", tmp_path / "maps")
    assert code == 2
    assert "gives no evidence" in message
    assert not (tmp_path / "maps").exists()


def test_the_bundle_may_come_from_the_environment(bundle: Path, tmp_path: Path) -> None:
    image = picture(tmp_path / "a.png")
    assert run(image, NEVUS_BUNDLE=str(bundle))[0] == 0
    code, _, message = run(image)
    assert code == 2
    assert "--bundle DIR" in message
    assert "NEVUS_BUNDLE" in message


def test_what_is_no_bundle_is_bad_input(tmp_path: Path) -> None:
    code, _, message = run(picture(tmp_path / "a.png"), "--bundle", tmp_path)
    assert code == 2
    assert "not a model bundle" in message


def test_metadata_change_the_answer(with_metadata: Path, tmp_path: Path) -> None:
    image = picture(tmp_path / "a.png", (150, 110, 90))
    records = []
    for options in ((), ("--age", 85, "--sex", "male", "--site", "back"), ("--age", 15)):
        code, text, _ = run(image, "--bundle", with_metadata, "--json", *options)
        assert code == 0
        records.append(json.loads(text))
    assert len({r["p_malignant"] for r in records}) == 3
    assert ["metadata_missing" in r["reasons"] for r in records] == [True, False, False]


@pytest.mark.parametrize(
    ("options", "words"),
    [(("--sex", "femal"), "female, male"), (("--site", "moon"), "back, face"), (("--age", "200"), "not possible")],
)
def test_metadata_that_the_model_does_not_know_are_refused(
    with_metadata: Path, tmp_path: Path, options: tuple[str, str], words: str
) -> None:
    code, _, message = run(picture(tmp_path / "a.png"), "--bundle", with_metadata, *options)
    assert code == 2
    assert words in message


def test_metadata_for_a_model_that_uses_none_are_noted(bundle: Path, tmp_path: Path) -> None:
    code, _, message = run(picture(tmp_path / "a.png"), "--bundle", bundle, "--age", 40)
    assert code == 0
    assert "change nothing" in message


def test_the_program_itself_needs_no_torch_and_prints_clean_json(bundle: Path, tmp_path: Path) -> None:
    """As a process of its own, with torch, polars, MLflow and onnx made impossible to import."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nfor name in ('torch', 'polars', 'mlflow', 'pandas', 'onnx'):\n    sys.modules[name] = None\n"
    )
    image = picture(tmp_path / "ä.png")
    command = [sys.executable, "-m", "nevus", "predict", str(image), "--bundle", str(bundle), "--json"]
    environment = {"PYTHONPATH": str(tmp_path), "PATH": "", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, encoding="utf-8")
    assert json.loads(done.stdout)["path"] == str(image)
    assert done.stderr == ""
