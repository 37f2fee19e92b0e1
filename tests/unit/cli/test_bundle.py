"""`nevus bundle`: verify, convert and import."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.graphs import make_tiny_bundle, make_tiny_graph
from typer.testing import CliRunner

from nevus.bundle import bundle_digest, read_bundle_manifest, write_checksums
from nevus.cli import app


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["bundle", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny", files={"card.md": b"# card\n"})


def test_verify_shows_the_digest_and_every_output(original: Path) -> None:
    code, text, _ = run("verify", original)
    assert code == 0
    assert bundle_digest(original) in text
    assert all(name in text for name in ("probabilities", "logits", "embedding", "ood_score", "evidence"))
    code, text, _ = run("verify", original, "--json")
    facts = json.loads(text)
    assert (code, facts["passed"], facts["digest"]) == (0, True, bundle_digest(original))


def test_verify_names_the_changed_file(original: Path, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(original, tmp_path / "b"))
    (changed / "card.md").write_bytes(b"# cart\n")
    code, _, message = run("verify", changed)
    assert code == 2
    assert "card.md was changed" in message


def test_verify_refuses_a_graph_that_gives_something_else(original: Path, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(original, tmp_path / "b"))
    (changed / "model.onnx").write_bytes(make_tiny_graph(gain=5.0))
    write_checksums(changed)
    code, text, message = run("verify", changed)
    assert code == 2
    assert "too far" in text
    assert "probabilities deviates" in message


def test_convert_to_int8_needs_and_uses_images(original: Path, tmp_path: Path) -> None:
    target = tmp_path / "int8"
    command = ["convert", original, "--to", "onnxruntime", "--precision", "int8", "--out", target]
    code, _, message = run(*command)
    assert code == 2
    assert "--calibration" in message
    random = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for i in range(24):
        pixels = random.integers(0, 256, 3) + random.normal(0, 20, (60, 80, 3))
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(tmp_path / "images" / f"{i}.png")
    code, text, _ = run(*command, "--calibration", tmp_path / "images", "--json")
    facts = json.loads(text)
    assert code == 0
    assert (facts["calibration_images"], facts["compared_images"], facts["synthetic"]) == (12, 12, False)
    assert facts["deviations"]["probabilities"] < 0.1
    assert facts["digest"] == bundle_digest(target)
    assert run("verify", target)[0] == 0


def test_convert_to_openvino_agrees(original: Path, tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="needs nevus[openvino]")
    code, text, _ = run("convert", original, "--to", "openvino", "--out", tmp_path / "ov")
    assert code == 0
    assert "same diagnosis 100.0%" in text
    assert read_bundle_manifest(tmp_path / "ov").runtime.engine == "openvino"


def test_convert_says_what_does_not_go_together(original: Path, tmp_path: Path) -> None:
    code, _, message = run("convert", original, "--to", "onnxruntime", "--precision", "bf16", "--out", tmp_path / "x")
    assert code == 2
    assert "--to openvino" in message
    assert run("convert", original, "--to", "tensorrt", "--out", tmp_path / "x")[0] == 2


def foreign(tmp_path: Path) -> Path:
    """A classifier [N,3,H,W] -> [N,3] logits."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(0).normal(0, 1, (3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(weights, "weights")],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "mine.onnx"
    )
    return tmp_path / "mine.onnx"


def test_import_makes_a_bundle_that_predicts(tmp_path: Path) -> None:
    target, image = tmp_path / "bundle", tmp_path / "a.png"
    command = ["import", foreign(tmp_path), "--classes", "mel,nv,bkl", "--height", 48, "--width", 64, "--out", target]
    code, text, _ = run(*command, "--mean", "0.5,0.5,0.5", "--std", "0.2,0.2,0.2", "--threshold", 0.3, "--json")
    facts = json.loads(text)
    assert code == 0
    assert facts["malignant"] == ["mel"]
    assert facts["outputs"] == ["probabilities", "logits", "embedding", "evidence"]
    assert facts["absent"] == ["ood_score"]
    manifest = read_bundle_manifest(target)
    assert (manifest.name, manifest.task) == ("mine", "diagnosis")
    assert manifest.operating_points[0].threshold == 0.3
    assert manifest.operating_points[0].sensitivity.value is None
    Image.fromarray(np.full((90, 120, 3), 90, np.uint8)).save(image)
    result = CliRunner().invoke(app, ["predict", str(image), "--bundle", str(target), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["verdict"] in ("suspicious", "low_suspicion")


def test_import_without_an_operating_point_says_what_follows(tmp_path: Path) -> None:
    code, text, _ = run("import", foreign(tmp_path), "--classes", "mel,nv,bkl", "--out", tmp_path / "b")
    assert code == 0
    assert "every image is referred" in text
    assert "not a diagnosis" in text


@pytest.mark.slow  # imports torch and exports a network
def test_import_of_a_timm_checkpoint(tmp_path: Path) -> None:
    timm = pytest.importorskip("timm", reason="needs nevus[training]")
    from safetensors.torch import save_model

    weights, target = tmp_path / "mine.safetensors", tmp_path / "b"
    save_model(timm.create_model("test_resnet", num_classes=3), str(weights))
    command = ["import", "--timm", "test_resnet", "--weights", weights, "--classes", "mel,nv,bkl"]
    code, text, _ = run(*command, "--height", 96, "--width", 128, "--threshold", 0.25, "--out", target, "--json")
    assert code == 0
    assert json.loads(text)["digest"] == bundle_digest(target)
    manifest = read_bundle_manifest(target)
    assert (manifest.input.height, manifest.input.width) == (96, 128)
    assert [point.threshold for point in manifest.operating_points] == [0.25]
    assert run("verify", target)[0] == 0
    code, _, message = run(*command, "--input-range", "0..255", "--out", target)
    assert code == 2
    assert "for ONNX models only" in message


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--classes", "nv,bkl,df"), "at least one class must be malignant"),
        (("--classes", "mel,nv,bkl", "--malignant", "scc"), "scc: not among the classes"),
        (("--classes", "mel,nv,bkl", "--mean", "0.5"), "three numbers"),
        (("--classes", "mel,nv"), "[N, 2]"),
        (("--classes", "mel,nv,bkl", "--timm", "resnet18"), "--timm NAME together with --weights FILE"),
    ],
    ids=["none malignant", "strange", "mean", "too few", "both"],
)
def test_import_says_what_is_wrong(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    code, _, message = run("import", foreign(tmp_path), *options, "--out", tmp_path / "b")
    assert code == 2
    assert words in message
    assert not (tmp_path / "b").exists()
