"""A converted bundle is one of its own, says what it was made from and how far it is from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tests.graphs import METADATA, make_tiny_bundle

from nevus.bundle import BundleError, Predictor, bundle_digest, read_bundle_manifest, verify_checksums, write_bundle
from nevus.bundle.conversion import compare, convert_bundle
from nevus.bundle.conversion.quantise import choose_nodes
from nevus.bundle.schema import RuntimeSpec
from nevus.bundle.selftest import draw_cases
from nevus.errors import InputError


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {"card.md": b"# Card\n", "metrics.json": b'{"bacc": 0.8}', "profile.parquet": b"PAR1"}
    return make_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny", files=files)


def images(count: int = 40) -> list[np.ndarray]:
    """Pictures of one colour each with texture, over the whole range of colours."""
    random = np.random.default_rng(3)
    return [
        np.clip(random.integers(0, 256, 3) + random.normal(0, 20, (96, 128, 3)), 0, 255).astype(np.uint8)
        for _ in range(count)
    ]


@pytest.fixture(scope="module")
def int8(original: Path) -> Path:
    target = original.parent / "int8"
    convert_bundle(original, target, RuntimeSpec(precision="int8"), images=images())
    return target


def test_int8_is_a_bundle_that_says_what_it_was_made_from(original: Path, int8: Path) -> None:
    verify_checksums(int8)
    manifest = read_bundle_manifest(int8)
    assert manifest.runtime == RuntimeSpec(engine="onnxruntime", precision="int8")
    assert manifest.converted_from is not None
    assert manifest.converted_from.digest == bundle_digest(original) != bundle_digest(int8)
    assert (manifest.converted_from.calibration_images, manifest.converted_from.compared_images) == (20, 20)
    assert 0 < manifest.converted_from.deviations["probabilities"] < 0.1
    assert all(point.measured_on == "validation, before conversion" for point in manifest.operating_points)


def test_int8_really_computes_in_8_bits(int8: Path) -> None:
    kinds = [node.op_type for node in onnx.load(int8 / "model.onnx").graph.node]
    assert "QuantizeLinear" in kinds
    assert "DequantizeLinear" in kinds


def test_int8_answers_nearly_as_the_original(original: Path, int8: Path) -> None:
    pictures = [image[:48, :64] for image in images(60)[40:]]
    with Predictor(original) as first, Predictor(int8) as second:
        deviation = compare(first, second, pictures)
    assert deviation.images == 20
    assert 0 < deviation.outputs["probabilities"] < 0.1
    assert deviation.same_diagnosis >= 0.9


def test_figures_of_the_original_are_not_passed_off_as_the_variants(int8: Path) -> None:
    names = {p.name for p in int8.iterdir()}
    assert "metrics.json" not in names
    assert (int8 / "original-metrics.json").read_bytes() == b'{"bacc": 0.8}'
    assert (int8 / "profile.parquet").exists()
    card = (int8 / "card.md").read_text()
    assert card.endswith("# Card\n")
    assert "Converted to onnxruntime, int8" in card.splitlines()[0]


def test_a_model_with_metadata_can_be_quantised(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "m", metadata=METADATA)
    report = convert_bundle(bundle, tmp_path / "int8", RuntimeSpec(precision="int8"), images=images())
    assert report.deviation.outputs["probabilities"] < 0.1


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_openvino_runs_every_precision(original: Path, tmp_path: Path, precision: str) -> None:
    pytest.importorskip("openvino", reason="needs nevus[openvino]")
    spec = RuntimeSpec(engine="openvino", precision=precision)
    report = convert_bundle(original, tmp_path / "ov", spec, images=images())
    assert read_bundle_manifest(tmp_path / "ov").runtime == spec
    limit = 1e-4 if precision == "fp32" else 0.1
    assert report.deviation.outputs["probabilities"] < limit
    with Predictor(tmp_path / "ov", threads=1) as predictor:
        assert predictor.predict(images(1))


def test_without_images_the_synthetic_ones_are_compared(original: Path, tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="needs nevus[openvino]")
    report = convert_bundle(original, tmp_path / "ov", RuntimeSpec(engine="openvino"))
    assert (report.deviation.images, report.calibration_images) == (4, 0)


def test_what_can_not_be_converted_is_refused(original: Path, int8: Path, tmp_path: Path) -> None:
    target = tmp_path / "new"
    with pytest.raises(InputError, match="at least 20 images"):
        convert_bundle(original, target, RuntimeSpec(precision="int8"), images=images(19))
    with pytest.raises(InputError, match="use --to openvino"):
        convert_bundle(original, target, RuntimeSpec(precision="bf16"))
    with pytest.raises(InputError, match="into its own place"):
        convert_bundle(original, original, RuntimeSpec())
    with pytest.raises(BundleError, match="is int8 already"):
        convert_bundle(int8, target, RuntimeSpec(precision="fp32"))
    assert not target.exists()


def test_unreadable_images_do_not_count(original: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="15 could be read"):
        convert_bundle(original, tmp_path / "x", RuntimeSpec(precision="int8"), images=[*images(15), *[b"text"] * 20])


@pytest.fixture(scope="module")
def branched(original: Path) -> Path:
    """The tiny bundle with its novelty score from a branch of its own, which begins with the trunk's own weights."""
    model = onnx.load(original / "model.onnx")
    (former,) = (node for node in model.graph.node if "ood_score" in node.output)
    model.graph.node.remove(former)
    model.graph.node.extend(
        [
            helper.make_node("AveragePool", ["shares"], ["coarse"], kernel_shape=[16, 16], strides=[16, 16]),
            helper.make_node("Conv", ["coarse", "kernel", "bias"], ["seen"]),
            helper.make_node("ReduceMean", ["seen", "space"], ["means"], keepdims=0),
            helper.make_node("ReduceSumSquare", ["means", "axis"], ["ood_score"], keepdims=0),
        ]
    )
    target = original.parent / "branched"
    write_bundle(target, read_bundle_manifest(original), model.SerializeToString())
    return target


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_novelty_stays_exact_where_it_shares_weights_with_what_is_quantised(
    branched: Path, tmp_path: Path, engine: str
) -> None:
    if engine == "openvino":
        pytest.importorskip("openvino", reason="needs nevus[openvino]")
    convert_bundle(branched, tmp_path / "int8", RuntimeSpec(engine=engine, precision="int8"), images=images())
    cases = draw_cases(48, 64)
    with Predictor(branched) as exact, Predictor(tmp_path / "int8", threads=2) as quantised:
        expected, found = exact.run_arrays(cases), quantised.run_arrays(cases)
    np.testing.assert_allclose(found["ood_score"], expected["ood_score"], rtol=1e-5)
    assert np.abs(found["logits"] - expected["logits"]).max() > 1e-3


def chain(convolutions: int, novelty_after: int) -> onnx.GraphProto:
    """image -> convolutions with activations -> probabilities, with the novelty score taken after some of them."""
    nodes, last = [], "image"
    for i in range(convolutions):
        nodes.append(helper.make_node("Conv", [last, "w"], [f"c{i}"], name=f"conv{i}"))
        nodes.append(helper.make_node("Relu", [f"c{i}"], [f"r{i}"], name=f"relu{i}"))
        last = f"r{i}"
    nodes += [
        helper.make_node("GlobalAveragePool", [last], ["pooled"], name="pool"),
        helper.make_node("Gemm", ["pooled", "w"], ["logits"], name="head"),
        helper.make_node("Softmax", ["logits"], ["probabilities"], name="softmax"),
        helper.make_node("Conv", [last, "w"], ["evidence"], name="evidence"),
        helper.make_node("Add", [f"r{novelty_after - 1}", "w"], ["ood_score"], name="novelty"),
    ]
    value = helper.make_tensor_value_info("image", TensorProto.FLOAT, None)
    return helper.make_graph(nodes, "chain", [value], [])


def test_only_what_leads_to_the_features_is_quantised_and_not_what_novelty_looks_through() -> None:
    expected = [name for i in range(2, 6) for name in (f"conv{i}", f"relu{i}")]
    assert choose_nodes(chain(6, novelty_after=2)) == expected


def test_where_novelty_looks_through_almost_all_everything_is_quantised() -> None:
    expected = [name for i in range(6) for name in (f"conv{i}", f"relu{i}")]
    assert choose_nodes(chain(6, novelty_after=6)) == expected
