"""What is kept of a feature map, against plain NumPy."""

from __future__ import annotations

import numpy as np
import onnxruntime
import torch
from torch import nn

from nevus.training.novelty.statistics import map_statistics


def by_hand(maps: np.ndarray) -> np.ndarray:
    """The same with loops over images and channels."""
    n, channels, height, width = maps.shape
    window = np.outer(
        np.sin(np.pi * (np.arange(height) + 0.5) / height) ** 2, np.sin(np.pi * (np.arange(width) + 0.5) / width) ** 2
    )
    rows = []
    for image in maps:
        kept = []
        for map_ in image:
            weighted = []
            for weights in (window, 1 - window):
                mean = np.average(map_, weights=weights)
                weighted.append((mean, np.sqrt(np.average((map_ - mean) ** 2, weights=weights))))
            middle, rim = weighted
            kept.append((map_.mean(), map_.std(), middle[0] - rim[0], middle[1] - rim[1]))
        rows.append(np.array(kept).T.ravel())  # first all means, then all spreads ...
    assert len(rows) == n
    assert rows[0].shape == (4 * channels,)
    return np.stack(rows)


def test_statistics_are_mean_spread_and_both_in_the_middle_less_the_rim():
    maps = np.random.default_rng(0).gamma(2.0, 1.5, (3, 5, 7, 11))
    found = map_statistics(torch.from_numpy(maps).float()).numpy()
    np.testing.assert_allclose(found, by_hand(maps), atol=2e-4)


def test_what_lies_in_the_middle_shows_and_what_lies_anywhere_does_not():
    middle, scattered = torch.zeros(1, 1, 12, 12), torch.zeros(1, 1, 12, 12)
    middle[..., 4:8, 4:8] = 1
    scattered[..., ::3, ::3] = 1
    centred, spread_out = map_statistics(middle)[0], map_statistics(scattered)[0]
    assert centred[0] == spread_out[0]  # as much of it
    assert centred[2] > 0.2
    assert abs(spread_out[2]) < 0.05


def test_a_constant_map_has_no_spread():
    mean, spread, shift, change = map_statistics(torch.full((1, 1, 6, 8), 7.0))[0].tolist()
    assert mean == 7
    assert spread <= 1.01e-4  # the floor under the root
    assert abs(shift) < 1e-5
    assert abs(change) < 1e-5


class Statistics(nn.Module):
    """`map_statistics` as a graph."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return map_statistics(maps)


def test_faint_maps_have_the_same_statistics_in_the_exported_graph(tmp_path):
    maps = torch.rand(2, 3, 8, 10, generator=torch.Generator().manual_seed(0)) * 2e-4
    torch.onnx.export(
        Statistics().eval(), (maps,), tmp_path / "s.onnx", dynamo=True, input_names=["maps"], verbose=False
    )
    (found,) = onnxruntime.InferenceSession(tmp_path / "s.onnx").run(None, {"maps": maps.numpy()})
    np.testing.assert_allclose(found, map_statistics(maps), rtol=1e-4, atol=1e-9)
