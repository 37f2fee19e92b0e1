"""The self-test lets pass only a runtime that gives what was recorded."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.graphs import METADATA, make_tiny_bundle, make_tiny_graph

from nevus.bundle import BundleError, Predictor, SelfTestError, write_checksums
from nevus.bundle.runtimes import Outputs, load_runtime
from nevus.bundle.schema import RuntimeSpec
from nevus.bundle.selftest import draw_cases, require_selftest, run_selftest, tolerances_for


@pytest.fixture(scope="module", params=[None, METADATA], ids=["image", "metadata"])
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny", metadata=request.param)


class Disturbed:
    """A runtime whose outputs are changed."""

    def __init__(self, bundle: Path, change: Callable[[Outputs], Outputs]) -> None:
        self._runtime = load_runtime(bundle / "model.onnx", RuntimeSpec())
        self._change = change
        self.engine, self.precision = "disturbed", "fp32"
        self.outputs, self.metadata_width = self._runtime.outputs, self._runtime.metadata_width

    def run(self, image: np.ndarray, metadata: np.ndarray | None = None) -> Outputs:
        return self._change(self._runtime.run(image, metadata))


def shifted(name: str, amount: float) -> Callable[[Outputs], Outputs]:
    return lambda outputs: {**outputs, name: outputs[name] + np.float32(amount)}


def test_the_runtime_that_wrote_it_reproduces_it(bundle: Path) -> None:
    report = require_selftest(load_runtime(bundle / "model.onnx", RuntimeSpec()), bundle)
    assert report.passed
    assert set(report.deviations) == {"probabilities", "logits", "embedding", "ood_score", "evidence"}
    assert max(report.deviations.values()) == 0.0


@pytest.mark.parametrize(
    ("name", "tolerated", "too_much"),
    [("probabilities", 5e-5, 2e-4), ("evidence", 1e-6, 0.1), ("embedding", 1e-6, 0.1)],
)
def test_a_little_rounding_passes_and_more_does_not(bundle: Path, name: str, tolerated: float, too_much: float) -> None:
    assert run_selftest(Disturbed(bundle, shifted(name, tolerated)), bundle).passed
    with pytest.raises(SelfTestError, match=f"{name} deviates"):
        require_selftest(Disturbed(bundle, shifted(name, too_much)), bundle)


@pytest.mark.parametrize(
    "change",
    [
        lambda outputs: {**outputs, "evidence": outputs["evidence"] * np.nan},
        lambda outputs: {**outputs, "evidence": outputs["evidence"][:, :1]},
        lambda outputs: {k: v for k, v in outputs.items() if k != "evidence"},
    ],
    ids=["nan", "another shape", "absent"],
)
def test_an_output_that_is_no_number_or_not_there_fails(bundle: Path, change: Callable[[Outputs], Outputs]) -> None:
    with pytest.raises(SelfTestError, match="evidence"):
        require_selftest(Disturbed(bundle, change), bundle)


def test_a_predictor_refuses_a_graph_that_gives_something_else(bundle: Path, tmp_path: Path) -> None:
    """Even where somebody has made the checksums fit again."""
    changed = Path(shutil.copytree(bundle, tmp_path / "changed"))
    width = load_runtime(bundle / "model.onnx", RuntimeSpec()).metadata_width or 0
    graph = make_tiny_graph(gain=4.01, metadata=width)
    (changed / "model.onnx").write_bytes(graph)
    write_checksums(changed)
    with pytest.raises(SelfTestError, match="must not serve"):
        Predictor(changed)
    assert Predictor(changed, verify=False).manifest.name == "tiny"


@pytest.mark.parametrize("name", ["cases.safetensors", "tolerances.json"])
def test_a_damaged_self_test_is_an_error_and_not_a_pass(bundle: Path, tmp_path: Path, name: str) -> None:
    damaged = Path(shutil.copytree(bundle, tmp_path / "damaged"))
    (damaged / "selftest" / name).write_bytes(b"\x00" * 40)
    with pytest.raises(BundleError, match="self-test"):
        run_selftest(load_runtime(damaged / "model.onnx", RuntimeSpec()), damaged)


def test_a_missing_tolerance_tolerates_nothing(bundle: Path, tmp_path: Path) -> None:
    lenient = Path(shutil.copytree(bundle, tmp_path / "lenient"))
    (lenient / "selftest" / "tolerances.json").write_text("{}")
    assert not run_selftest(Disturbed(lenient, shifted("embedding", 1e-6)), lenient).passed


def test_the_cases_differ_and_are_the_same_every_time() -> None:
    cases = draw_cases(48, 64)
    assert cases.shape == (4, 48, 64, 3)
    assert (cases == draw_cases(48, 64)).all()
    means = cases.mean((1, 2))
    assert len({tuple(np.round(m)) for m in means}) == 4
    assert cases.std((1, 2)).min() > 1


def test_low_precision_is_given_more_room_but_not_all() -> None:
    exact, low = tolerances_for(RuntimeSpec()), tolerances_for(RuntimeSpec(precision="int8"))
    assert all(exact[name] < low[name] < 0.5 for name in exact)
