"""Quality is measured on the framed pixels, so a file's size and compression don't decide."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from PIL import Image, ImageFilter
from scipy import ndimage, stats

from nevus.bundle.schema import QualityLimits
from nevus.imaging import Quality, frame, measure_quality, quality_reasons, read_image

GOOD = Quality(sharpness=100, contrast=0.1, brightness=0.5, over_exposed=0.0, under_exposed=0.0)
LIMITS = QualityLimits(min_short_side=64, min_sharpness=10, min_contrast=0.02, max_over_exposed=0.4)


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def test_the_measures_equal_scipys() -> None:
    pixels = noise()
    luma = (pixels @ np.array([77, 150, 29])) >> 8
    kernel = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    laplacian = ndimage.convolve(luma, kernel)[1:-1, 1:-1]
    measured = measure_quality(pixels)
    assert measured.sharpness == pytest.approx(laplacian.var())
    assert measured.contrast == pytest.approx(stats.tstd(luma.ravel(), ddof=0) / 255)
    assert measured.brightness == pytest.approx(luma.mean() / 255)
    assert measured.over_exposed == pytest.approx((luma >= 250).mean())
    assert measured.under_exposed == pytest.approx((luma <= 8).mean())


@pytest.mark.parametrize(("value", "over", "under"), [(255, 1.0, 0.0), (0, 0.0, 1.0), (128, 0.0, 0.0)])
def test_a_blank_image_has_no_contrast_and_no_sharpness(value: int, over: float, under: float) -> None:
    measured = measure_quality(np.full((20, 30, 3), value, np.uint8))
    assert measured == Quality(0.0, 0.0, pytest.approx(value / 255), over, under)


def test_blur_lowers_the_sharpness_and_hardly_the_brightness() -> None:
    pixels = noise()
    values = [measure_quality(pixels)]
    for radius in (1, 2, 4):
        blurred = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius))
        values.append(measure_quality(np.asarray(blurred)))
    assert [v.sharpness for v in values] == sorted((v.sharpness for v in values), reverse=True)
    assert values[3].sharpness < 0.01 * values[0].sharpness
    assert values[3].brightness == pytest.approx(values[0].brightness, abs=0.01)


def test_a_turned_image_has_the_same_quality() -> None:
    pixels = noise()
    assert measure_quality(np.rot90(pixels)) == measure_quality(pixels) == measure_quality(pixels[::-1])


@pytest.mark.parametrize(
    ("changes", "size", "expected"),
    [
        ({}, (600, 450), ()),
        ({}, (600, 63), ("too_small",)),
        ({"sharpness": 9.9}, (600, 450), ("blurred",)),
        ({"contrast": 0.01, "sharpness": 0.0}, (600, 450), ("blank",)),
        ({"over_exposed": 0.5}, (600, 450), ("over_exposed",)),
        ({"over_exposed": 0.5, "sharpness": 1.0}, (63, 63), ("too_small", "blurred", "over_exposed")),
    ],
)
def test_the_reasons_are_those_whose_limit_is_passed(
    changes: dict[str, float], size: tuple[int, int], expected: tuple[str, ...]
) -> None:
    assert quality_reasons(Quality(**{**GOOD.as_dict(), **changes}), *size, LIMITS) == expected


def test_without_limits_only_the_size_is_judged() -> None:
    bad = Quality(sharpness=0, contrast=0, brightness=1, over_exposed=1, under_exposed=0)
    assert quality_reasons(bad, 64, 64, QualityLimits()) == ()
    assert quality_reasons(bad, 64, 10, QualityLimits()) == ("too_small",)


@pytest.mark.real
def test_re_encoding_a_real_image_hardly_changes_its_quality(shared: Path) -> None:
    ratios = []
    for path in sorted((shared / "data" / "original-size").rglob("*.jpg")):
        pixels = read_image(path).pixels
        again = simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(pixels, 78, colorsubsampling="420"))
        first, second = (measure_quality(frame(p, 192, 256)) for p in (pixels, again))
        ratios.append(second.sharpness / first.sharpness)
        assert second.contrast == pytest.approx(first.contrast, rel=0.02)
    assert len(ratios) == 21
    assert 0.8 < min(ratios) <= max(ratios) < 1.25, ratios
