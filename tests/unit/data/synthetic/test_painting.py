"""What the pictures show: the signs by which dermatologists tell the diagnoses apart, measured."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from nevus.data.synthetic.camera import CLINICS, photograph
from nevus.data.synthetic.canvas import EXTENT, Pigment, coordinates, outline
from nevus.data.synthetic.lesions import RECIPES
from nevus.data.synthetic.randomness import fractal, generator, smooth, step

SIZE = 132


def draw(code: str, number: int, clarity: float = 1.0) -> Pigment:
    return RECIPES[code](generator(0, code, number), SIZE, clarity)


def median(measure: object, code: str, count: int = 24) -> float:
    return float(np.median([measure(draw(code, number)) for number in range(count)]))  # type: ignore[operator]


def silhouette(pigment: Pigment) -> np.ndarray:
    total = pigment.melanin + pigment.dermal + pigment.blood + pigment.keratin
    return cv2.GaussianBlur(total, (0, 0), 2.5) > 0.12


def asymmetry(pigment: Pigment) -> float:
    """Share of the shape that its mirror image about the centre of mass doesn't cover; the better of two axes."""
    shape = silhouette(pigment).astype(np.uint8)
    moments = cv2.moments(shape, binaryImage=True)
    centre = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
    shift = np.float64([[1, 0, SIZE / 2 - centre[0]], [0, 1, SIZE / 2 - centre[1]]])
    centred = cv2.warpAffine(shape, shift, (SIZE, SIZE))
    unlike = []
    for turned in (centred[:, ::-1], centred[::-1]):
        unlike.append((turned != centred).sum() / centred.sum())
    return float(min(unlike))


def ruggedness(pigment: Pigment) -> float:
    """Perimeter squared over area: 1 for a disc."""
    contours, _ = cv2.findContours(silhouette(pigment).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(contours, key=cv2.contourArea)
    return cv2.arcLength(largest, True) ** 2 / (4 * np.pi * cv2.contourArea(largest))


def test_melanomas_are_less_symmetric_and_more_notched_than_nevi() -> None:
    assert median(asymmetry, "mel") > 2 * median(asymmetry, "nv")
    assert median(ruggedness, "mel") > 1.3 * median(ruggedness, "nv")


def test_clarity_makes_a_melanoma_more_irregular() -> None:
    clear = np.median([ruggedness(draw("mel", n, 1.0)) for n in range(24)])
    faint = np.median([ruggedness(draw("mel", n, 0.0)) for n in range(24)])
    assert clear > 1.2 * faint


def test_a_dermatofibroma_is_white_in_the_middle_and_a_nevus_is_not() -> None:
    _, _, radius, _ = coordinates(SIZE)

    def white_centre(pigment: Pigment) -> float:
        return float(pigment.keratin[radius < 0.2].mean() - pigment.keratin[radius > 1.1].mean())

    assert median(white_centre, "df") > 0.3
    assert median(white_centre, "nv") == 0


def test_basal_cell_carcinomas_have_vessels_and_vascular_lesions_lakes() -> None:
    """Blood in thin lines against blood in round lakes: an opening of 3 pixels keeps the lakes alone."""

    def kept(pigment: Pigment) -> float:
        blood = pigment.blood - cv2.GaussianBlur(pigment.blood, (0, 0), 20)
        strong = (blood > 0.25).astype(np.uint8)
        opened = cv2.morphologyEx(strong, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
        return float(opened.sum() / max(strong.sum(), 1))

    assert median(kept, "vasc") > 0.6
    assert median(kept, "bcc") < 0.3


def test_keratoses_carry_bright_cysts() -> None:
    def cysts(pigment: Pigment) -> float:
        count, _ = cv2.connectedComponents((pigment.keratin > 0.3).astype(np.uint8))
        return count - 1

    assert median(cysts, "bkl") >= 4
    assert median(cysts, "nv") == 0


@pytest.mark.parametrize("code", RECIPES)
def test_pigment_is_finite_lies_on_the_canvas_and_fades_towards_its_rim(code: str) -> None:
    for number in range(6):
        pigment = draw(code, number)
        for layer in (pigment.melanin, pigment.dermal, pigment.blood, pigment.keratin):
            assert layer.shape == (SIZE, SIZE)
            assert layer.dtype == np.float32
            assert np.isfinite(layer).all()
        rim = np.ones((SIZE, SIZE), bool)
        rim[3:-3, 3:-3] = False
        total = pigment.melanin + pigment.dermal + pigment.blood + pigment.keratin
        assert np.quantile(total[rim], 0.9) < 0.15


@pytest.mark.parametrize("code", RECIPES)
def test_the_same_lesion_is_drawn_the_same(code: str) -> None:
    one, two = draw(code, 3), draw(code, 3)
    np.testing.assert_array_equal(one.melanin, two.melanin)
    assert not np.array_equal(one.melanin, draw(code, 4).melanin)


def test_two_photographs_of_a_lesion_are_not_alike() -> None:
    pictures = [
        photograph(generator(0, "view", n), draw("nv", 1), width=160, height=120, tone=0.05, clinic=CLINICS[0])
        for n in (1, 2)
    ]
    assert pictures[0].shape == (120, 160, 3)
    assert pictures[0].dtype == np.uint8
    assert np.abs(pictures[0].astype(int) - pictures[1]).mean() > 4


def test_darker_skin_gives_darker_pictures() -> None:
    def brightness(tone: float) -> float:
        picture = photograph(
            generator(0, "one view"), draw("nv", 1), width=160, height=120, tone=tone, clinic=CLINICS[0]
        )
        return float(picture.mean())

    assert brightness(0.02) > brightness(0.24) > brightness(0.65) > 40


def test_an_outline_has_the_lesions_size_whatever_its_irregularity() -> None:
    _, _, radius, _ = coordinates(SIZE)
    for irregularity in (0.0, 0.1, 0.2):
        inside = outline(generator(0, irregularity), SIZE, asymmetry=0.1, irregularity=irregularity) < 0
        area = inside.sum() * (2 * EXTENT / SIZE) ** 2
        assert area == pytest.approx(np.pi * 0.86**2, rel=0.12)
    assert radius.min() < 0.02


def test_randomness_is_a_function_of_seed_and_names() -> None:
    assert generator(1, "a", 2).random() == generator(1, "a", 2).random()
    found = {generator(*names).random() for names in ((1, "a", 2), (1, "a", 3), (2, "a", 2), (1, "b", 2), (1, "a/2"))}
    assert len(found) >= 4


def test_fields_are_centred_and_about_as_wide_as_they_say() -> None:
    many = np.stack([smooth(generator(0, n), 90, 120, 6) for n in range(60)])
    assert abs(many.mean()) < 0.1
    assert 0.6 < many.std() < 1.1
    rough = np.stack([fractal(generator(0, n), 90, 120, 6) for n in range(60)])
    assert 0.6 < rough.std() < 1.2


def test_a_step_is_a_smooth_ramp_round_its_edge() -> None:
    values = np.array([-1, -0.11, 0, 0.1, 0.2, 0.31, 2], np.float32)
    found = step(values, 0.1, 0.4)
    np.testing.assert_allclose(found, [0, 0, 0.15625, 0.5, 0.84375, 1, 1], atol=1e-6)
