"""The torch network and its exported graph, as a bundle ships it, on 200 real images."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch

from grad_cam import grad_cam
from nevus.imaging import frame, read_image
from nevus.training.export import OUTPUTS, export_graph
from nevus.training.graph import BundleGraph
from nevus.training.network import LesionNetwork
from nevus.training.settings import ModelSettings

pytestmark = [pytest.mark.real, pytest.mark.slow]  # an export, and 200 images seen four ways by torch

COUNT, HEIGHT, WIDTH = 200, 128, 168
VIEWS = ("identity", "flip_horizontal", "flip_vertical", "rotate_180")
MALIGNANT = np.array([True, True, False, False, True, False, False])
TEMPERATURE = 1.3


@pytest.fixture(scope="module")
def network(shared) -> LesionNetwork:
    """The shared weights, and a head drawn at random that is strong enough to be sure of some images."""
    torch.manual_seed(0)
    weights = shared / "weights" / "mobilenetv2_100.imagenet-dequantized.safetensors"
    settings = ModelSettings(
        backbone_options={"pad_type": "same"},
        weights=str(weights),
        mean=(0.5,) * 3,
        std=(0.5,) * 3,
        height=HEIGHT,
        width=WIDTH,
    )
    network = LesionNetwork(settings, len(MALIGNANT), 0).eval()
    with torch.no_grad():
        network.image_fc.weight.normal_(0, 0.3)
    return network


@pytest.fixture(scope="module")
def images(shared) -> np.ndarray:
    """uint8 [200, 128, 168, 3], at even distances through the dataset."""
    files = sorted((shared / "data" / "ham10000" / "images").glob("*.jpg"))
    chosen = files[:: len(files) // COUNT][:COUNT]
    assert len(chosen) == COUNT
    return np.stack([frame(read_image(file).pixels, HEIGHT, WIDTH, "cover") for file in chosen])


def test_torch_and_bundle_agree_on_200_real_images(network, images):
    graph = BundleGraph(network, MALIGNANT, VIEWS, TEMPERATURE).eval()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        export_graph(graph, height=HEIGHT, width=WIDTH, metadata_width=0), options, providers=["CPUExecutionProvider"]
    )
    called, maps, oracles = set(), [], []
    for start in range(0, COUNT, 20):
        pixels, metadata = images[start : start + 20], np.zeros((20, 0), np.float32)
        image = torch.from_numpy(pixels)
        found = dict(zip(OUTPUTS, session.run(list(OUTPUTS), {"image": pixels, "metadata": metadata}), strict=True))
        with torch.no_grad():
            expected = graph(image, torch.from_numpy(metadata))[0].numpy()
        assert np.abs(found["probabilities"] - expected).max() <= 1e-4
        np.testing.assert_array_equal(found["probabilities"].argmax(1), expected.argmax(1))
        called |= set(expected.argmax(1).tolist())
        maps.append(found["evidence"])
        oracles.append(grad_cam(network, MALIGNANT, image, torch.from_numpy(metadata), VIEWS, TEMPERATURE).numpy())
    assert len(called) >= 4  # else agreeing on the class would be no feat
    oracle = np.concatenate(oracles)
    apart, most = np.abs(np.concatenate(maps) - oracle).max((1, 2)), oracle.max((1, 2))
    assert apart.max() <= 1e-4 * most.max()
    # A map that is cut off at zero nearly everywhere has a maximum near nothing, of which no share can be asked.
    plain = most >= 0.1 * most.max()
    assert plain.sum() >= COUNT // 4
    assert (apart[plain] <= 1e-4 * most[plain]).all()
