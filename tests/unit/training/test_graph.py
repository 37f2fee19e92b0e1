"""What the bundle's graph computes, against autograd and against the network itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from grad_cam import grad_cam
from nevus.errors import InputError
from nevus.training.graph import BundleGraph, malignant_log_odds
from nevus.training.network import VIEWS, LesionNetwork
from nevus.training.settings import ModelSettings
from training_factory import BACKBONE

MALIGNANT = np.array([True, False, True, False])
ALL_VIEWS = ("identity", "flip_horizontal", "flip_vertical", "rotate_180")


def network(backbone: str = BACKBONE, metadata: int = 3, classes: int = 4) -> LesionNetwork:
    """Random weights, with batch statistics taken from noise so that features keep a sensible scale."""
    torch.manual_seed(0)
    net = LesionNetwork(ModelSettings(backbone=backbone, weights="none", dropout=0.0), classes, metadata)
    net.train()
    with torch.no_grad():
        for _ in range(30):
            net(torch.rand(8, 3, 64, 96) * 255)
        net.image_fc.weight.mul_(5)
    return net.eval()


def batch(metadata: int = 3, n: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    image = torch.randint(0, 256, (n, 64, 96, 3), dtype=torch.uint8, generator=generator)
    return image, torch.randn(n, metadata, generator=generator)


@pytest.mark.parametrize("backbone", [BACKBONE, "test_efficientnet", "test_convnext"])
@pytest.mark.parametrize("views", [("identity",), ALL_VIEWS])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_evidence_is_grad_cam_of_the_malignant_log_odds(backbone, views, temperature):
    net = network(backbone)
    image, metadata = batch()
    graph = BundleGraph(net, MALIGNANT, views, temperature).eval()
    with torch.no_grad():
        evidence = graph(image, metadata)[4]
    expected = grad_cam(net, MALIGNANT, image, metadata, views, temperature)
    assert evidence.shape == expected.shape
    assert expected.max() > 0.1
    assert (evidence - expected).abs().max() <= 1e-4 * expected.max()


def test_evidence_adds_up_to_the_log_odds_where_nothing_is_cut_off():
    """The signed map's mean is the image's part of the log-odds, up to the bias, in the two-class case."""
    net = network(metadata=0, classes=2)
    image, metadata = batch(0)
    graph = BundleGraph(net, np.array([False, True])).eval()
    with torch.no_grad():
        _, logits, pooled, _, evidence = graph(image, metadata)
        weight = net.image_fc.weight[1] - net.image_fc.weight[0]
        bias = net.image_fc.bias[1] - net.image_fc.bias[0]
        features = net.features(image.permute(0, 3, 1, 2))
    assert torch.allclose(logits[:, 1] - logits[:, 0], pooled @ weight + bias, atol=1e-4)
    assert torch.allclose(evidence, torch.relu((features * weight[:, None, None]).sum(1)), atol=1e-4)


def test_one_view_gives_the_networks_own_logits():
    net = network()
    image, metadata = batch()
    with torch.no_grad():
        probabilities, logits, _, ood, _ = BundleGraph(net, MALIGNANT, temperature=2.0).eval()(image, metadata)
        own = net(image.permute(0, 3, 1, 2), metadata)
    assert torch.allclose(logits, own, atol=1e-5)
    assert torch.allclose(probabilities, torch.softmax(own / 2, 1), atol=1e-6)
    assert ood.tolist() == [0, 0, 0]


def test_views_make_the_answer_blind_to_flips():
    net = network()
    image, metadata = batch()
    with torch.no_grad():
        one = BundleGraph(net, MALIGNANT).eval()
        all_views = BundleGraph(net, MALIGNANT, ALL_VIEWS).eval()
        straight, turned = all_views(image, metadata), all_views(image.flip(1), metadata)
        single, single_turned = one(image, metadata)[0], one(image.flip(1), metadata)[0]
    assert torch.allclose(straight[0], turned[0], atol=1e-5)
    assert torch.allclose(straight[4], turned[4].flip(1), atol=1e-4)
    assert (single - single_turned).abs().max() > 1e-3


def test_views_average_the_logits():
    net = network()
    image, metadata = batch()
    pixels = image.permute(0, 3, 1, 2)
    with torch.no_grad():
        logits = BundleGraph(net, MALIGNANT, ALL_VIEWS).eval()(image, metadata)[1]
        each = torch.stack([net(VIEWS[view](pixels), metadata) for view in ALL_VIEWS])
    assert torch.allclose(logits, each.mean(0), atol=1e-4)


def test_an_image_of_a_batch_is_answered_as_if_alone():
    net = network()
    image, metadata = batch(n=3)
    graph = BundleGraph(net, MALIGNANT, ALL_VIEWS).eval()
    with torch.no_grad():
        together = graph(image, metadata)
        alone = graph(image[1:2], metadata[1:2])
    for whole, single in zip(together, alone, strict=True):
        assert torch.allclose(whole[1:2], single, atol=1e-4)


def test_log_odds_are_those_of_the_summed_probabilities():
    logits = torch.tensor([[1.0, 0.0, 2.0, -1.0], [200.0, 0.0, 0.0, 0.0]])
    p = torch.softmax(logits[0].double(), 0)
    expected = torch.log((p[0] + p[2]) / (p[1] + p[3]))
    found = malignant_log_odds(logits, torch.from_numpy(MALIGNANT))
    assert found[0].item() == pytest.approx(expected.item(), abs=1e-6)
    assert found[1].item() == pytest.approx(200 - np.log(2), abs=1e-3)


@pytest.mark.parametrize("mask", [[True] * 3, [False] * 3])
def test_one_sided_classes_are_refused(mask):
    with pytest.raises(InputError, match="at least one malignant and one benign"):
        BundleGraph(network(classes=3), np.array(mask))
