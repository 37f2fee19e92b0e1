"""The loss, against torch's own, against hand-computed values, and against the theory of logit adjustment."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from nevus.training.losses import ClassificationLoss, class_shares
from nevus.training.settings import ImbalanceSettings

COUNTS = np.array([70, 20, 10])


def draw(seed: int = 0, n: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 3, generator=generator) * 2, torch.randint(0, 3, (n,), generator=generator)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(("choice", "power"), [("none", 0.0), ("inverse", 1.0), ("inverse_sqrt", 0.5)])
def test_class_weights_mean_what_they_mean_to_torch(choice, power, smoothing):
    logits, labels = draw()
    weight = torch.tensor(COUNTS, dtype=torch.float32) ** -power
    expected = F.cross_entropy(logits, labels, weight, label_smoothing=smoothing)
    loss = ClassificationLoss(ImbalanceSettings(class_weights=choice), COUNTS, smoothing)
    # the mean is weighted, so the weights' common factor cancels, but for the smoothing, where torch has it too
    assert loss(logits, labels).item() == pytest.approx(expected.item(), rel=1e-5)


def test_inverse_weights_give_each_class_the_same_say():
    loss = ClassificationLoss(ImbalanceSettings(class_weights="inverse"), COUNTS)
    weight = loss.get_buffer("weight").numpy()
    assert weight * COUNTS == pytest.approx([100 / 3] * 3)


def test_focal_by_hand():
    # p_true = 0.8 and 0.25: -log(.8) * .2**2 and -log(.25) * .75**2
    logits = torch.log(torch.tensor([[0.8, 0.1, 0.1], [0.5, 0.25, 0.25]]))
    expected = (-math.log(0.8) * 0.04 - math.log(0.25) * 0.5625) / 2
    loss = ClassificationLoss(ImbalanceSettings(loss="focal", focal_gamma=2.0), COUNTS)
    assert loss(logits, torch.tensor([0, 1])).item() == pytest.approx(expected, rel=1e-6)


def test_focal_without_focus_is_cross_entropy():
    logits, labels = draw(1)
    loss = ClassificationLoss(ImbalanceSettings(loss="focal", focal_gamma=0.0), COUNTS)
    assert loss(logits, labels).item() == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-6)


def test_logit_adjustment_by_hand():
    logits, labels = draw(2)
    expected = F.cross_entropy(logits + 0.5 * torch.log(torch.tensor([0.7, 0.2, 0.1])), labels)
    loss = ClassificationLoss(ImbalanceSettings(logit_adjustment=0.5), COUNTS)
    assert loss(logits, labels).item() == pytest.approx(expected.item(), rel=1e-6)


def test_logit_adjustment_corrects_only_for_what_the_sampler_left():
    logits, labels = draw(3)
    plain = ClassificationLoss(ImbalanceSettings(), COUNTS)(logits, labels)
    balanced = ImbalanceSettings(logit_adjustment=1.0, sampler_power=1.0)
    assert ClassificationLoss(balanced, COUNTS)(logits, labels).item() == pytest.approx(plain.item(), rel=1e-6)
    half = ImbalanceSettings(logit_adjustment=1.0, sampler_power=0.5)
    root = np.sqrt(COUNTS) / np.sqrt(COUNTS).sum()
    expected = F.cross_entropy(logits + torch.log(torch.tensor(root, dtype=torch.float32)), labels)
    assert ClassificationLoss(half, COUNTS)(logits, labels).item() == pytest.approx(expected.item(), rel=1e-6)


def test_a_network_that_learns_the_prior_alone_ends_indifferent_under_full_adjustment():
    """On labels without images, the minimum of the adjusted loss is the same logit for all classes."""
    labels = torch.tensor([0] * 70 + [1] * 20 + [2] * 10)
    for strength, expected in ((0.0, np.log(COUNTS / 100)), (1.0, np.zeros(3))):
        loss = ClassificationLoss(ImbalanceSettings(logit_adjustment=strength), COUNTS)
        bias = torch.zeros(3, requires_grad=True)
        optimiser = torch.optim.LBFGS([bias], max_iter=100, line_search_fn="strong_wolfe")

        def closure(loss=loss, bias=bias, optimiser=optimiser):
            optimiser.zero_grad()
            value = loss(bias.expand(100, 3), labels)
            value.backward()
            return value

        optimiser.step(closure)
        found = bias.detach().numpy()
        assert found - found.mean() == pytest.approx(expected - expected.mean(), abs=1e-3)


def test_a_class_without_images_breaks_nothing():
    counts = np.array([5, 0, 3])
    options = ImbalanceSettings(sampler_power=0.5, logit_adjustment=1.0, class_weights="inverse", loss="focal")
    logits, _ = draw(4, 4)
    assert torch.isfinite(ClassificationLoss(options, counts, 0.1)(logits, torch.tensor([0, 2, 2, 0])))


def test_half_precision_logits_are_summed_in_full():
    logits, labels = draw(5)
    loss = ClassificationLoss(ImbalanceSettings(), COUNTS)(logits.bfloat16(), labels)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(F.cross_entropy(logits.bfloat16().float(), labels).item(), rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 5000), min_size=2, max_size=9), st.floats(0, 1))
def test_shares_sum_to_one_and_lie_between_natural_and_equal(counts, power):
    shares = class_shares(np.array(counts), power)
    assert shares.sum() == pytest.approx(1)
    natural = np.array(counts) / sum(counts)
    rare, common = int(np.argmin(counts)), int(np.argmax(counts))
    assert natural[rare] - 1e-9 <= shares[rare] <= 1 / len(counts) + 1e-9
    assert 1 / len(counts) - 1e-9 <= shares[common] <= natural[common] + 1e-9
    if power == 0:
        assert shares == pytest.approx(natural)
    if power == 1:
        assert shares == pytest.approx([1 / len(counts)] * len(counts))
