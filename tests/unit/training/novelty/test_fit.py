"""The whole fit, on drawn lesions: reproducible, as exported, and it refuses what it never saw."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from nevus.training.network import LesionNetwork
from nevus.training.novelty.branch import NoveltyBranch
from nevus.training.novelty.distortion import distorted
from nevus.training.novelty.exposure import MADE, exposures
from nevus.training.novelty.fit import NoveltyFitError, fit_novelty, measured
from nevus.training.novelty.head import fit_statistics
from nevus.training.novelty.proxies import FAMILIES, KINDS
from nevus.training.novelty.score import NoveltyScore
from nevus.training.novelty.settings import NoveltySettings
from nevus.training.settings import ModelSettings
from training_factory import BACKBONE, draw_lesion

HEIGHT, WIDTH = 64, 80
SMALL = NoveltySettings(images=40, drawn=1, made=6)
KINDS_OF_LESION = ("nv", "mel", "bkl")


def lesions(count: int, start: int = 0) -> list[np.ndarray]:
    return [draw_lesion(KINDS_OF_LESION[n % 3], start + n, HEIGHT, WIDTH) for n in range(count)]


@pytest.fixture(scope="module")
def network() -> LesionNetwork:
    torch.manual_seed(0)
    return LesionNetwork(ModelSettings(backbone=BACKBONE, weights="none"), 3).eval()


@pytest.fixture(scope="module")
def branch(network) -> NoveltyBranch:
    mean, std = (network.get_buffer(name).flatten().tolist() for name in ("mean", "std"))
    return NoveltyBranch(network.backbone, mean, std, short_side=32)


def test_the_same_pictures_and_settings_give_the_same_score(branch):
    told = []
    first = fit_novelty(branch, lesions(50), SMALL, lambda done, total: told.append((done, total)))
    again = fit_novelty(branch, lesions(50), SMALL)
    other = fit_novelty(branch, lesions(50), SMALL.model_copy(update={"seed": 1}))
    np.testing.assert_array_equal(again.weight, first.weight)
    assert not np.array_equal(other.weight, first.weight)
    total = 2 * SMALL.images + len(KINDS) * SMALL.drawn + len(MADE) * SMALL.made
    assert told == [(n, total) for n in range(1, total + 1)]


def test_the_graph_computes_the_fitted_score_from_the_networks_own_input(branch, network):
    fitted = fit_novelty(branch, lesions(50), SMALL)
    strange = [picture for _, picture in zip(range(6), _others(lesions(5)), strict=False)]
    pixels = torch.from_numpy(np.stack(lesions(6, 900) + strange)).permute(0, 3, 1, 2)
    with torch.no_grad():
        found = NoveltyScore(branch, fitted)(network, network.normalise(pixels))
    expected = fitted.score(measured(branch, [image.permute(1, 2, 0).numpy() for image in pixels]))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-3)
    assert expected.max() - expected.min() > 1


@pytest.mark.parametrize("family", ["documents", "living", "surfaces", "scenes"])
def test_a_family_of_pictures_that_took_no_part_in_the_fit_is_told_from_lesions(branch, family):
    learning = lesions(60)
    rng = np.random.default_rng(0)
    inside = measured(branch, [*learning, *(distorted(image, rng) for image in learning)])
    outside = measured(branch, _others(learning, frozenset({family})))
    fitted = fit_statistics(inside, outside)
    fresh = [*lesions(40, 900), *(distorted(image, rng) for image in lesions(40, 1900))]
    strange = [distorted(drawing(rng, HEIGHT, WIDTH), rng) for drawing in FAMILIES[family] for _ in range(8)]
    scores = fitted.score(measured(branch, fresh + strange))
    assert roc_auc_score(np.arange(len(scores)) >= len(fresh), scores) > 0.9


def _others(learning, without=frozenset()):
    def take(rng):
        return learning[int(rng.integers(len(learning)))]

    for _, picture in exposures(take, HEIGHT, WIDTH, per_drawn=2, per_made=10, seed=0, without=without):
        yield picture


def test_one_picture_is_too_few(branch):
    with pytest.raises(NoveltyFitError, match="there are 1"):
        fit_novelty(branch, lesions(1), SMALL)


def test_batches_change_nothing(branch):
    images = lesions(35)  # more than a batch
    together = measured(branch, iter(images))
    alone = np.concatenate([measured(branch, [image]) for image in images[30:]])
    np.testing.assert_allclose(together[30:], alone, atol=1e-4)
