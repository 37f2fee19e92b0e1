"""The predictor judges paths, bytes and arrays alike, in order, and refuses what it must."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.graphs import CLASSES, METADATA, make_tiny_bundle, make_tiny_graph, make_tiny_manifest

from nevus.bundle import BundleError, Failure, InferenceError, Metadata, Prediction, Predictor, write_bundle
from nevus.bundle.answer import compose_prediction
from nevus.bundle.schema import PredictionSetSpec, QualityLimits, RefusalLimits
from nevus.imaging import frame, measure_quality
from nevus.imaging.decode import DecodedImage

DARK, LIGHT = (110, 30, 20), (225, 205, 190)


def lesion(colour: tuple[int, int, int], width: int = 128, height: int = 96) -> np.ndarray:
    """A coloured spot on light skin with a little texture."""
    y, x = np.mgrid[0:height, 0:width]
    inside = np.hypot(x - width / 2, y - height / 2) < 0.35 * min(width, height)
    pixels = np.where(inside[:, :, None], colour, LIGHT) + ((x + y) % 5)[:, :, None]
    return pixels.astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(
        tmp_path_factory.mktemp("bundles") / "tiny", prediction_set=PredictionSetSpec(coverage=0.9, threshold=0.25)
    )


@pytest.fixture(scope="module", params=[1, 3])
def predictor(request: pytest.FixtureRequest, bundle: Path) -> Predictor:
    return Predictor(bundle, threads=request.param)


def test_dark_red_is_suspicious_and_light_is_not(predictor: Predictor) -> None:
    dark, light = predictor.predict([lesion(DARK), lesion(LIGHT)])
    assert isinstance(dark, Prediction)
    assert isinstance(light, Prediction)
    assert (dark.verdict, dark.reasons) == ("suspicious", ("above_operating_point",))
    assert (light.verdict, light.reasons) == ("low_suspicion", ())
    assert dark.probabilities is not None
    assert list(dark.probabilities) == list(CLASSES)
    assert sum(dark.probabilities.values()) == pytest.approx(1, abs=1e-6)
    assert dark.p_malignant == pytest.approx(dark.probabilities["mel"] + dark.probabilities["bcc"])
    assert dark.diagnosis == max(dark.probabilities, key=dark.probabilities.__getitem__)
    assert light.diagnosis == "nv"
    assert dark.operating_point == "sensitivity_95"
    assert dark.prediction_set == tuple(c for c in CLASSES if dark.probabilities[c] >= 0.25)


def test_the_evidence_lies_on_the_lesion(predictor: Predictor) -> None:
    (dark,) = predictor.predict([lesion(DARK)])
    assert isinstance(dark, Prediction)
    assert dark.evidence is not None
    assert dark.evidence.shape == (6, 8)
    assert dark.evidence[2:4, 3:5].min() > 2 * dark.evidence[[0, 0, -1, -1], [0, -1, 0, -1]].max()
    assert dark.embedding is not None
    assert dark.embedding.shape == (5,)


def test_path_bytes_and_array_give_the_same(predictor: Predictor, tmp_path: Path) -> None:
    pixels = lesion(DARK, 200, 150)
    path = tmp_path / "Fleck ü.png"
    path.write_bytes(png(pixels))
    by_path, by_string, by_bytes, by_array = predictor.predict([path, str(path), png(pixels), pixels])
    for other in (by_string, by_bytes, by_array):
        assert isinstance(other, Prediction)
        assert isinstance(by_path, Prediction)
        assert other.probabilities == by_path.probabilities
        assert other.quality == by_path.quality
    assert by_path.path == by_string.path == str(path)
    assert by_bytes.path is None


def test_answers_keep_the_order_and_failures_stand_in_their_place(predictor: Predictor, tmp_path: Path) -> None:
    images: list[object] = []
    for shade in range(40):
        images.append(lesion((20 + 5 * shade, 30, 20)))
        if shade % 10 == 3:
            images.append(tmp_path / f"absent-{shade}.jpg")
    answers = predictor.predict(images)
    assert len(answers) == 44
    singly = [predictor.predict([image])[0] for image in images]
    for together, alone in zip(answers, singly, strict=True):
        assert type(together) is type(alone)
        if isinstance(together, Prediction) and isinstance(alone, Prediction):
            assert together.probabilities == alone.probabilities
    failures = [a for a in answers if isinstance(a, Failure)]
    assert [Path(f.path or "").name for f in failures] == [f"absent-{s}.jpg" for s in (3, 13, 23, 33)]
    assert {f.reason for f in failures} == {"missing"}


def test_predictions_come_as_they_are_ready_without_reading_everything_first(bundle: Path) -> None:
    predictor = Predictor(bundle, threads=2)
    taken = []

    def endless() -> object:
        while True:
            taken.append(1)
            yield lesion(DARK)

    answers = predictor.predict_each(endless())
    assert isinstance(next(answers), Prediction)
    assert len(taken) < 20
    answers.close()
    predictor.close()


def test_running_arrays_is_the_graph_itself(predictor: Predictor) -> None:
    pixels = np.stack([frame(lesion((c, 30, 20)), 48, 64) for c in range(0, 250, 50)])
    outputs = predictor.run_arrays(pixels)
    assert outputs["probabilities"].shape == (5, 3)
    assert outputs["evidence"].shape == (5, 6, 8)
    assert outputs["ood_score"].shape == (5,)
    for i, answer in enumerate(predictor.predict(list(pixels), raw=True)):
        assert isinstance(answer, Prediction)
        assert list((answer.probabilities or {}).values()) == outputs["probabilities"][i].tolist()


@pytest.mark.parametrize("shape", [(1, 48, 64), (1, 64, 48, 3), (0, 48, 64, 3), (1, 48, 64, 4)])
def test_arrays_of_another_shape_are_refused(predictor: Predictor, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must be uint8"):
        predictor.run_arrays(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match="must be uint8"):
        predictor.run_arrays(np.zeros((1, 48, 64, 3), np.float32))


def refusing(tmp_path: Path) -> Predictor:
    limits = RefusalLimits(ood_score=0.1, quality=QualityLimits(min_short_side=40, min_sharpness=5, min_contrast=0.02))
    return Predictor(make_tiny_bundle(tmp_path / "b", refusal=limits), threads=1)


def test_an_unusable_image_has_neither_diagnosis_nor_probabilities(tmp_path: Path) -> None:
    (answer,) = refusing(tmp_path).predict([np.full((100, 100, 3), 128, np.uint8)])
    assert isinstance(answer, Prediction)
    assert (answer.verdict, answer.reasons) == ("unusable", ("blank",))
    assert answer.diagnosis is answer.probabilities is answer.p_malignant is answer.ood_score is None
    assert answer.evidence is None
    assert answer.prediction_set == ()
    assert not answer.reliable


def test_raw_gives_probabilities_for_unusable_images_and_keeps_the_verdict(tmp_path: Path) -> None:
    (answer,) = refusing(tmp_path).predict([np.full((100, 100, 3), 128, np.uint8)], raw=True)
    assert isinstance(answer, Prediction)
    assert answer.verdict == "unusable"
    assert sum((answer.probabilities or {}).values()) == pytest.approx(1, abs=1e-6)
    assert answer.as_record()["reliable"] is False


def test_a_stranger_is_referred_with_probabilities_that_are_not_reliable(tmp_path: Path) -> None:
    (answer,) = refusing(tmp_path).predict([lesion((20, 20, 250))])
    assert isinstance(answer, Prediction)
    assert answer.ood_score is not None
    assert answer.ood_score > 0.1
    assert answer.verdict == "refer"
    assert "out_of_distribution" in answer.reasons
    assert answer.probabilities is not None
    assert not answer.reliable


def test_the_original_size_counts_and_not_the_frames(tmp_path: Path) -> None:
    small, enough = refusing(tmp_path).predict([lesion(DARK, 60, 39), lesion(DARK, 60, 40)])
    assert small.reasons[0] == "too_small"
    assert "too_small" not in enough.reasons


def test_metadata_change_the_answer_where_the_model_uses_them(tmp_path: Path) -> None:
    predictor = Predictor(make_tiny_bundle(tmp_path / "m", metadata=METADATA), threads=2)
    image = lesion(DARK)
    unknown, old, young = predictor.predict([image] * 3, [None, Metadata(age=85, sex="male"), Metadata(age=15)])
    assert isinstance(unknown, Prediction)
    assert isinstance(old, Prediction)
    assert isinstance(young, Prediction)
    assert len({p.p_malignant for p in (unknown, old, young)}) == 3
    assert "metadata_missing" in unknown.reasons
    assert "metadata_missing" not in old.reasons
    (for_all,) = predictor.predict([image], Metadata(age=85, sex="male"))
    assert isinstance(for_all, Prediction)
    assert for_all.probabilities == old.probabilities


def test_metadata_must_be_as_many_as_images(predictor: Predictor) -> None:
    with pytest.raises(ValueError, match="zip"):
        predictor.predict([lesion(DARK)] * 2, [Metadata()])


def test_a_model_may_lack_all_outputs_but_probabilities(tmp_path: Path) -> None:
    predictor = Predictor(make_tiny_bundle(tmp_path / "p", outputs=("probabilities",)), threads=1)
    (answer,) = predictor.predict([lesion(DARK)])
    assert isinstance(answer, Prediction)
    assert answer.verdict == "suspicious"
    assert answer.evidence is answer.embedding is answer.ood_score is answer.logits is None
    with pytest.raises(BundleError, match="no evidence"):
        predictor.overlay(lesion(DARK), answer)


def test_what_bundle_json_does_not_name_is_not_shown(tmp_path: Path) -> None:
    """Such as a novelty score that an imported graph carries as zeros."""
    write_bundle(tmp_path / "b", make_tiny_manifest(outputs=("probabilities", "logits")), make_tiny_graph())
    (answer,) = Predictor(tmp_path / "b", threads=1).predict([lesion(DARK)])
    assert isinstance(answer, Prediction)
    assert answer.logits is not None
    assert answer.ood_score is answer.evidence is answer.embedding is None


def test_the_overlay_has_the_images_resolution_and_the_frames_shape(predictor: Predictor) -> None:
    image = lesion(DARK, 640, 640)
    (answer,) = predictor.predict([image])
    assert isinstance(answer, Prediction)
    overlay = predictor.overlay(image, answer)
    assert overlay.shape == (640, 853, 3)
    changed = np.abs(overlay.astype(int) - frame(image, 640, 853)).max(2)
    assert changed[300:340, 400:450].min() > 20
    assert np.percentile(changed[:60, :60], 50) < 20


def test_the_record_is_what_others_rely_on(predictor: Predictor, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(lesion(DARK)))
    good, bad = (json.loads(json.dumps(a.as_record())) for a in predictor.predict([path, tmp_path / "b.png"]))
    assert {"path", "diagnosis", "probabilities", "p_malignant", "verdict", "reasons", "ood_score"} <= set(good)
    assert good["probabilities"].keys() == set(CLASSES)
    assert "not a diagnosis" in good["notice"]
    assert set(bad) == {"path", "error", "reason"}


def test_several_threads_may_share_a_predictor(bundle: Path) -> None:
    predictor = Predictor(bundle, threads=2)
    images = [lesion((c, 30, 20)) for c in range(0, 240, 12)]
    expected = [a.as_record() for a in predictor.predict(images)]
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: [a.as_record() for a in predictor.predict(images)], range(8)))
    assert all(run == expected for run in runs)


def test_probabilities_that_are_no_numbers_are_an_error() -> None:
    pixels = lesion(DARK)
    image = DecodedImage(pixels, 128, 96, "array")
    outputs = {"probabilities": np.array([np.nan, 0.5, 0.5], np.float32)}
    with pytest.raises(InferenceError, match="not finite"):
        compose_prediction(make_tiny_manifest(), image, measure_quality(pixels), outputs, path="x.jpg")


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)]
)
def test_an_array_that_is_no_image_is_a_callers_mistake(predictor: Predictor, image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="must be uint8"):
        predictor.predict([image])


@pytest.mark.real
def test_a_real_image_gives_the_same_as_its_decoded_pixels(predictor: Predictor, shared: Path) -> None:
    path = shared / "data" / "ham10000" / "images" / "ISIC_0024306.jpg"
    by_path, by_array = predictor.predict([path, np.asarray(Image.open(path))])
    assert isinstance(by_path, Prediction)
    assert isinstance(by_array, Prediction)
    assert by_path.p_malignant == pytest.approx(by_array.p_malignant, abs=0.01)
    assert (by_path.width, by_path.height) == (300, 225)
