"""Augmentation keeps to the frame, to what is declared, and to its seed."""

from __future__ import annotations

import pytest
import torch

from nevus.training.augmentation import Augmentation, AugmentationError, Seeded
from nevus.training.settings import AugmentationSettings, Transform

PLAIN = AugmentationSettings(transforms=())


def image(height: int = 60, width: int = 80) -> torch.Tensor:
    return torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [(60, 80), (225, 300), (40, 31), (48, 64)])
def test_the_result_has_the_frames_size_and_stays_uint8(size):
    augment = Augmentation(AugmentationSettings(), 48, 64)
    for seed in range(5):
        with Seeded(seed):
            out = augment(image(*size))
        assert out.shape == (3, 48, 64)
        assert out.dtype == torch.uint8


def test_the_same_seed_gives_the_same_view_and_another_seed_another():
    augment = Augmentation(AugmentationSettings(), 48, 64)
    views = []
    for seed in (3, 3, 4):
        with Seeded(seed):
            views.append(augment(image()))
    assert torch.equal(views[0], views[1])
    assert not torch.equal(views[0], views[2])


def test_seeded_leaves_the_global_generator_as_it_was():
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    with Seeded(5):
        torch.rand(100)
    assert torch.equal(torch.rand(3), expected)


def test_the_generator_is_put_back_after_an_error_too():
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    with pytest.raises(RuntimeError, match="negative"), Seeded(5):
        torch.rand(-1)
    assert torch.equal(torch.rand(3), expected)


def test_a_crop_of_the_whole_is_the_whole():
    """With nothing declared and no room to crop, the image is only resized; here not even that."""
    whole = AugmentationSettings(crop_scale=(1.0, 1.0), crop_stretch=1.0, transforms=())
    assert torch.equal(Augmentation(whole, 60, 80)(image()), image())


def test_crops_keep_the_lesions_shape_within_the_stretch():
    """A vertical and a horizontal ramp: their slopes in the crop say how each axis was scaled."""
    stretch = 1.2
    settings = AugmentationSettings(crop_scale=(0.3, 0.9), crop_stretch=stretch, transforms=())
    augment = Augmentation(settings, 96, 128)
    y, x = torch.meshgrid(torch.arange(150), torch.arange(200), indexing="ij")
    ramps = torch.stack([x, y, torch.zeros_like(x)]).to(torch.uint8)
    seen = []
    for seed in range(40):
        with Seeded(seed):
            out = augment(ramps).double()
        across = (out[0, :, 110] - out[0, :, 18]).mean() / 92
        down = (out[1, 80, :] - out[1, 16, :]).mean() / 64
        seen.append(float(across / down))
    assert all(1 / stretch - 0.03 < ratio < stretch + 0.03 for ratio in seen)
    assert max(seen) > 1.08
    assert min(seen) < 1 / 1.08


def test_a_probability_is_kept():
    settings = AugmentationSettings(
        crop_scale=(1.0, 1.0),
        crop_stretch=1.0,
        transforms=(Transform(name="RandomInvert", options={"p": 1.0}, probability=0.25),),
    )
    augment = Augmentation(settings, 60, 80)
    inverted = 0
    for seed in range(400):
        with Seeded(seed):
            inverted += not torch.equal(augment(image()), image())
    assert 70 <= inverted <= 130


def test_declared_transforms_are_applied_in_order():
    first = Transform(name="RandomInvert", options={"p": 1.0})
    second = Transform(name="RandomSolarize", options={"threshold": 128, "p": 1.0})
    whole = {"crop_scale": (1.0, 1.0), "crop_stretch": 1.0}
    pixels = torch.full((3, 60, 80), 40, dtype=torch.uint8)
    forth = Augmentation(AugmentationSettings(**whole, transforms=(first, second)), 60, 80)(pixels)
    back = Augmentation(AugmentationSettings(**whole, transforms=(second, first)), 60, 80)(pixels)
    assert set(forth.flatten().tolist()) == {40}  # 40 -> 215 -> 40
    assert set(back.flatten().tolist()) == {215}  # 40 stays -> 215


@pytest.mark.parametrize("name", ["Rotate90", "__doc__", "functional", "ToTensorr"])
def test_an_unknown_transform_is_refused_by_name(name):
    with pytest.raises(AugmentationError, match=f"no transform '{name}'"):
        Augmentation(AugmentationSettings(transforms=(Transform(name=name),)), 48, 64)


def test_wrong_options_are_refused_by_name():
    wrong = Transform(name="ColorJitter", options={"brigtness": 0.2})
    with pytest.raises(AugmentationError, match=r"ColorJitter refuses its options.*brigtness"):
        Augmentation(AugmentationSettings(transforms=(wrong,)), 48, 64)
    with pytest.raises(AugmentationError, match="ColorJitter refuses"):
        Augmentation(AugmentationSettings(transforms=(Transform(name="ColorJitter", options={"hue": 3}),)), 48, 64)
