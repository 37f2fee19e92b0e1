"""The pictures that the score learns from: drawn, made of lesions, and distorted alike."""

from __future__ import annotations

import numpy as np
import pytest

from nevus.errors import InputError
from nevus.training.novelty.distortion import distorted, recoloured, reencoded
from nevus.training.novelty.exposure import MADE, exposures, mirrored
from nevus.training.novelty.proxies import FAMILIES, KINDS, draw, draw_many
from training_factory import draw_lesion

UNIFORM = {"black", "white", "one_colour"}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_drawing_is_a_picture_and_a_function_of_its_seed(kind):
    first, again, other = (draw(kind, seed, 60, 90) for seed in (1, 1, 2))
    assert (first.dtype, first.shape) == (np.uint8, (60, 90, 3))
    np.testing.assert_array_equal(again, first)
    if kind not in UNIFORM:
        assert not np.array_equal(other, first)
        assert first.std() > 3


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"no drawn kind 'documnt'.*document, screenshot"):
        draw("documnt", 0)


def test_many_drawings_differ():
    assert len({picture.tobytes() for picture in draw_many("face", 5, height=40, width=50)}) == 5


@pytest.mark.parametrize("name", sorted(MADE))
def test_pictures_made_of_lesions_have_their_frame_and_lack_their_lesion_in_the_middle(name):
    def take(rng):
        return draw_lesion("nv", int(rng.integers(20)), 60, 80)

    rng = np.random.default_rng(0)
    made = [MADE[name](take, rng) for _ in range(12)]
    assert {(image.dtype.name, image.shape) for image in made} == {("uint8", (60, 80, 3))}
    contrast = [_darker_in_the_middle(image) for image in made]
    lesions = [_darker_in_the_middle(take(rng)) for _ in range(12)]
    assert np.median(contrast) < 0.5 * np.median(lesions)


def _darker_in_the_middle(image: np.ndarray) -> float:
    height, width = image.shape[:2]
    middle = image[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3].mean()
    corners = np.concatenate([image[:8].ravel(), image[-8:].ravel()]).mean()
    return float(corners - middle)


def test_mirrored_patches_have_no_seams_and_only_their_own_pixels():
    ramp = np.tile(np.arange(0, 200, 10, dtype=np.uint8)[:, None, None], (1, 7, 3))
    field = mirrored(ramp, 90, 50, np.random.default_rng(0))
    assert field.shape == (90, 50, 3)
    assert np.abs(np.diff(field[:, 0, 0].astype(int))).max() == 10  # at a plain repeat it would leap by 190
    assert set(np.unique(field)) <= set(np.unique(ramp))


def test_exposures_come_from_every_family_but_those_left_out():
    lesion = draw_lesion("nv", 0, 40, 48)
    options = {"per_drawn": 1, "per_made": 2, "seed": 0}
    kinds = [kind for kind, _ in exposures(lambda _: lesion, 40, 48, **options)]
    assert {kind: kinds.count(kind) for kind in kinds} == dict.fromkeys(KINDS, 1) | dict.fromkeys(MADE, 2)
    fewer = {k for k, _ in exposures(lambda _: lesion, 40, 48, without=frozenset({"living", "made"}), **options)}
    assert fewer == set(KINDS) - {drawing.__name__ for drawing in FAMILIES["living"]}


def test_a_distorted_copy_is_the_same_size_and_by_seed():
    lesion = draw_lesion("nv", 0)
    first, again, other = (distorted(lesion, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == lesion.shape


def test_some_copies_have_red_and_blue_exchanged():
    lesion = draw_lesion("nv", 0)
    rng = np.random.default_rng(0)
    copies = [distorted(lesion, rng) for _ in range(120)]
    bluer = np.mean([copy[..., 2].mean() > copy[..., 0].mean() for copy in copies])
    assert 0.15 < bluer < 0.45  # three in ten


def test_reencoding_keeps_the_picture_and_not_its_pixels():
    lesion = draw_lesion("nv", 0)
    out = reencoded(lesion, np.random.default_rng(0))
    assert not np.array_equal(out, lesion)
    assert np.abs(out.astype(int) - lesion).mean() < 10


def test_recoloured_takes_over_the_mean_and_the_covariance_of_colours():
    rng = np.random.default_rng(0)
    source = np.clip(rng.normal(120, 12, (60, 60, 3)), 0, 255).astype(np.uint8)
    mix = np.array([[20, 0, 0], [10, 8, 0], [4, 4, 6]])
    like = np.clip(rng.normal(size=(60, 60, 3)) @ mix.T + [150, 110, 100], 0, 255).astype(np.uint8)
    out = recoloured(source, like).reshape(-1, 3).astype(float)
    wanted = like.reshape(-1, 3).astype(float)
    np.testing.assert_allclose(out.mean(0), wanted.mean(0), atol=1.5)
    np.testing.assert_allclose(np.cov(out.T), np.cov(wanted.T), rtol=0.12, atol=12)
