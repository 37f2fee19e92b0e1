"""Every engine runs the graph contract alike: one suite, inherited by each."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tests.graphs import METADATA, make_tiny_bundle, make_tiny_graph

from nevus.bundle import BundleError, InferenceError, Predictor, write_checksums
from nevus.bundle.runtimes import Runtime, load_runtime
from nevus.bundle.schema import RuntimeSpec
from nevus.bundle.selftest import draw_cases, run_selftest
from nevus.errors import MissingExtraError

ENGINES = ("onnxruntime", "openvino")


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "openvino":
        pytest.importorskip("openvino", reason="needs nevus[openvino]")
    return str(request.param)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bundles")
    return {
        "image": make_tiny_bundle(folder / "image"),
        "metadata": make_tiny_bundle(folder / "metadata", metadata=METADATA),
    }


def load(bundle: Path, engine: str, threads: int = 2, precision: str = "fp32") -> Runtime:
    return load_runtime(bundle / "model.onnx", RuntimeSpec(engine=engine, precision=precision), threads=threads)


@pytest.mark.parametrize("kind", ["image", "metadata"])
def test_it_reproduces_the_self_test_that_onnx_runtime_wrote(engine: str, bundles: dict[str, Path], kind: str) -> None:
    report = run_selftest(load(bundles[kind], engine), bundles[kind])
    assert report.passed, report.failures()
    assert len(report.deviations) == 5


def test_it_says_what_the_graph_has(engine: str, bundles: dict[str, Path]) -> None:
    plain, with_metadata = load(bundles["image"], engine), load(bundles["metadata"], engine)
    assert plain.engine == with_metadata.engine == engine
    assert set(plain.outputs) >= {"probabilities", "logits", "embedding", "ood_score", "evidence"}
    assert plain.metadata_width is None
    assert with_metadata.metadata_width == 8
    assert plain.precision == "fp32"


def test_batches_of_any_size_give_what_single_images_give(engine: str, bundles: dict[str, Path]) -> None:
    runtime = load(bundles["image"], engine)
    cases = draw_cases(48, 64)
    together = runtime.run(cases)
    for i in range(len(cases)):
        alone = runtime.run(cases[i : i + 1])
        for name, value in together.items():
            np.testing.assert_allclose(alone[name][0], value[i], atol=1e-5)


def test_outputs_stay_as_they_are_when_it_runs_again(engine: str, bundles: dict[str, Path]) -> None:
    runtime = load(bundles["image"], engine)
    cases = draw_cases(48, 64)
    first = runtime.run(cases[:1])
    before = {name: value.copy() for name, value in first.items()}
    runtime.run(cases[1:2])
    for name, value in first.items():
        np.testing.assert_array_equal(value, before[name])


def test_several_threads_may_run_at_once(engine: str, bundles: dict[str, Path]) -> None:
    runtime = load(bundles["image"], engine)
    cases = np.concatenate([draw_cases(48, 64)] * 8)
    expected = [runtime.run(case[None])["logits"] for case in cases]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda case: runtime.run(case[None])["logits"], cases))
    np.testing.assert_allclose(np.concatenate(found), np.concatenate(expected), atol=1e-5)


def test_absent_metadata_are_zeros(engine: str, bundles: dict[str, Path]) -> None:
    runtime = load(bundles["metadata"], engine)
    case = draw_cases(48, 64)[:1]
    zeros = np.zeros((1, 8), np.float32)
    np.testing.assert_allclose(runtime.run(case)["logits"], runtime.run(case, zeros)["logits"])
    assert np.abs(runtime.run(case, zeros + 1)["logits"] - runtime.run(case, zeros)["logits"]).max() > 0.01


def test_an_input_that_the_graph_refuses_is_an_error_of_ours(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(make_tiny_graph(size=(48, 64)))
    runtime = load(tmp_path, engine)
    with pytest.raises(InferenceError, match="can't run the graph on"):
        runtime.run(np.zeros((1, 40, 64, 3), np.uint8))


def test_a_file_that_is_no_graph_is_an_error_of_ours(engine: str, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(BundleError, match=r"model\.onnx can't be"):
        load(tmp_path, engine)


def test_a_predictor_runs_it(engine: str, bundles: dict[str, Path], tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(bundles["image"], tmp_path / "b"))
    text = (bundle / "bundle.json").read_text().replace('"engine": "onnxruntime"', f'"engine": "{engine}"')
    (bundle / "bundle.json").write_text(text)
    write_checksums(bundle)
    images = list(draw_cases(96, 128))
    with Predictor(bundle, threads=3) as predictor, Predictor(bundles["image"], threads=1) as original:
        for ours, theirs in zip(predictor.predict(images), original.predict(images), strict=True):
            assert ours.as_record()["verdict"] == theirs.as_record()["verdict"]
            assert ours.p_malignant == pytest.approx(theirs.p_malignant, abs=1e-5)


def test_openvino_computes_in_f32_unless_told_otherwise(bundles: dict[str, Path]) -> None:
    """Its own default is bf16 where the processor has it, which is off by hundredths."""
    pytest.importorskip("openvino", reason="needs nevus[openvino]")
    runtime = load(bundles["image"], "openvino")
    assert runtime._compiled.get_property("INFERENCE_PRECISION_HINT").to_string() == "f32"


def test_a_missing_engine_names_its_extra(bundles: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'nevus\[openvino\]'"):
        load(bundles["image"], "openvino")


_FIRST_INFERENCES_AT_ONCE = """
import sys, threading
from pathlib import Path
import numpy as np
from nevus.bundle.runtimes import load_runtime
from nevus.bundle.schema import RuntimeSpec
sys.setswitchinterval(1e-5)
runtime = load_runtime(Path(sys.argv[1]), RuntimeSpec(engine=sys.argv[2]), threads=2)
barrier = threading.Barrier(8)
def infer():
    barrier.wait()
    runtime.run(np.zeros((1, 48, 64, 3), np.uint8))
threads = [threading.Thread(target=infer, daemon=True) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_the_first_inferences_of_a_process_may_happen_at_once(engine: str, bundles: dict[str, Path]) -> None:
    """OpenVINO's binding alone stands still for ever in about one such process of four."""
    command = [sys.executable, "-c", _FIRST_INFERENCES_AT_ONCE, str(bundles["image"] / "model.onnx"), engine]
    for _ in range(5):
        subprocess.run(command, check=True, timeout=60)
