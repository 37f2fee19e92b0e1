"""Images on their way into the network: same seed, epoch, place and image, same pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nevus.imaging import frame
from nevus.training.dataset import Examples, FramedImages, TrainingImages
from nevus.training.sampling import Draw
from nevus.training.settings import AugmentationSettings, ModelSettings, TrainingSettings
from training_factory import draw_lesion

IDS = ("a", "b", "c", "d")
PIXELS = {name: draw_lesion("nv", i, 60 + 4 * i, 80) for i, name in enumerate(IDS)}


def examples(metadata: int = 3) -> Examples:
    return Examples(
        image_ids=IDS,
        labels=np.array([0, 1, 2, 1]),
        groups=IDS,
        metadata=np.arange(4 * metadata, dtype=np.float32).reshape(4, metadata) + 1,
        unknown=np.zeros(metadata, np.float32),
    )


def images(*, seed=0, scale_at=lambda _: 1.0, metadata=3, **model) -> TrainingImages:
    settings = ModelSettings(height=48, width=64, **model)
    return TrainingImages(
        examples(metadata), PIXELS.__getitem__, settings, AugmentationSettings(), seed=seed, scale_at=scale_at
    )


def test_a_view_depends_on_seed_epoch_place_and_image_alone():
    draw = Draw(epoch=1, place=5, row=2)
    first = images()[draw][0]
    busy = images()
    torch.rand(7)
    for other in (Draw(0, 0, 0), Draw(1, 4, 2), Draw(3, 5, 2)):
        busy[other]
    assert torch.equal(busy[draw][0], first)
    for other in (Draw(2, 5, 2), Draw(1, 6, 2), Draw(1, 5, 1)):
        assert not torch.equal(images()[other][0], first)
    assert not torch.equal(images(seed=1)[draw][0], first)


def test_loading_leaves_the_global_generator_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    images()[Draw(0, 0, 0)]
    assert torch.equal(torch.rand(2), expected)


def test_an_example_has_its_pixels_metadata_and_label():
    image, metadata, label = images(metadata_dropout=0.0)[Draw(0, 0, 2)]
    assert (image.dtype, image.shape) == (torch.uint8, (3, 48, 64))
    assert metadata.tolist() == [7, 8, 9]
    assert label == 2


def test_metadata_is_hidden_as_often_as_asked_and_wholly():
    seen = [images(metadata_dropout=0.3)[Draw(0, place, 1)][1].tolist() for place in range(300)]
    hidden = sum(m == [0, 0, 0] for m in seen)
    assert all(m in ([0, 0, 0], [4, 5, 6]) for m in seen)
    assert 60 <= hidden <= 120


def test_no_metadata_is_an_empty_vector():
    assert images(metadata=0)[Draw(0, 0, 1)][1].shape == (0,)


def test_early_epochs_are_smaller_where_resolutions_say_so():
    settings = TrainingSettings(
        head_epochs=1, epochs=3, resolutions=[{"until": 0.25, "scale": 0.5}, {"until": 0.75, "scale": 0.75}]
    )
    drawn = images(scale_at=settings.scale_at)
    sizes = [tuple(drawn[Draw(epoch, 0, 0)][0].shape[1:]) for epoch in range(4)]
    assert sizes == [(24, 32), (32, 48), (32, 48), (48, 64)]


@pytest.mark.parametrize("rule", ["cover", "contain"])
def test_validation_sees_what_the_bundle_will_see(rule):
    settings = ModelSettings(height=48, width=64, rule=rule)
    framed = FramedImages(examples(), PIXELS.__getitem__, settings)
    image, metadata, row = framed[3]
    assert np.array_equal(image.permute(1, 2, 0).numpy(), frame(PIXELS["d"], 48, 64, rule))
    assert (metadata.tolist(), row) == ([10, 11, 12], 3)


def test_read_only_pixels_of_raw_shards_are_not_written_to():
    locked = {name: pixels.copy() for name, pixels in PIXELS.items()}
    for pixels in locked.values():
        pixels.setflags(write=False)
    settings = ModelSettings(height=48, width=64)
    drawn = TrainingImages(
        examples(), locked.__getitem__, settings, AugmentationSettings(), seed=0, scale_at=lambda _: 1
    )
    drawn[Draw(0, 0, 0)]
    FramedImages(examples(), locked.__getitem__, settings)[0]
    assert all(np.array_equal(locked[name], PIXELS[name]) for name in IDS)
