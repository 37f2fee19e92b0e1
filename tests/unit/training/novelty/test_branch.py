"""The branch: it never learns, and looks through size, encoding and the order of channels."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from nevus.training.network import LesionNetwork
from nevus.training.novelty.branch import MOST_CHANNELS, BranchError, NoveltyBranch, depths
from nevus.training.settings import ModelSettings
from training_factory import BACKBONE, draw_lesion

MEAN, STD = [120.0] * 3, [60.0] * 3


def network(backbone: str = BACKBONE) -> LesionNetwork:
    torch.manual_seed(0)
    return LesionNetwork(ModelSettings(backbone=backbone, weights="none"), 3).eval()


@pytest.fixture(scope="module")
def branch() -> NoveltyBranch:
    return NoveltyBranch(network().backbone, MEAN, STD)


def lesion(seed: int = 0, height: int = 96, width: int = 128) -> torch.Tensor:
    return torch.from_numpy(draw_lesion("nv", seed, height, width)).permute(2, 0, 1)[None].float()


def test_fine_tuning_of_the_network_leaves_the_branch_as_it_was():
    net = network()
    branch = NoveltyBranch(net.backbone, MEAN, STD)
    before = branch(lesion())
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(1.0)
    net.train()
    branch.train()
    assert torch.equal(branch(lesion()), before)
    assert not any(p.requires_grad for p in branch.parameters())
    assert not any(module.training for module in branch.modules())


def test_red_and_blue_exchanged_is_the_same_picture(branch):
    image = lesion()
    assert image[:, 0].mean() > image[:, 2].mean()
    torch.testing.assert_close(branch(image.flip(1)), branch(image))
    mixed = torch.cat([image, image.flip(1), lesion(1)])
    torch.testing.assert_close(branch(mixed)[:2], branch(image).expand(2, -1), atol=1e-4, rtol=1e-4)


def test_another_encoding_moves_the_statistics_far_less_than_another_lesion(branch):
    image = lesion()
    file = io.BytesIO()
    Image.fromarray(image[0].permute(1, 2, 0).numpy().astype(np.uint8)).save(file, "JPEG", quality=75)
    encoded = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)[None].float()
    others = torch.cat([branch(lesion(seed)) for seed in range(1, 9)])
    spread = others.std(0) + 1e-3 * others.std(0).mean()
    by_encoding = ((branch(encoded) - branch(image)) / spread).square().mean().sqrt()
    by_lesion = ((others - branch(image)) / spread).square().mean().sqrt()
    assert by_encoding < 0.3 * by_lesion


def test_it_looks_at_maps_of_an_eighth_and_of_a_sixteenth():
    net = network("mobilenetv2_035")
    reductions = [level["reduction"] for level in net.backbone.feature_info]
    assert [reductions[i] for i in depths(net.backbone)] == [8, 16]
    statistics = NoveltyBranch(net.backbone, MEAN, STD)(lesion())
    channels = sum(net.backbone.feature_info[i]["num_chs"] for i in depths(net.backbone))
    assert statistics.shape == (1, 4 * channels)


def test_wide_maps_are_mixed_down_and_keep_their_distances():
    net = network("resnet18")
    wide = [net.backbone.feature_info[i]["num_chs"] for i in depths(net.backbone)]
    assert max(wide) > MOST_CHANNELS
    branch = NoveltyBranch(net.backbone, MEAN, STD)
    assert branch(lesion()).shape == (1, 4 * sum(min(w, MOST_CHANNELS) for w in wide))
    mix = branch.get_buffer(f"mix{wide.index(max(wide))}")[:, :, 0, 0]
    torch.testing.assert_close(mix @ mix.T, torch.eye(MOST_CHANNELS), atol=1e-5, rtol=0)
    again = NoveltyBranch(network("resnet18").backbone, MEAN, STD)
    torch.testing.assert_close(again(lesion()), branch(lesion()))


def test_a_backbone_without_intermediate_maps_is_refused():
    with pytest.raises(BranchError, match=r"Linear gives no intermediate feature maps.*model\.backbone"):
        NoveltyBranch(nn.Linear(3, 3), MEAN, STD)
