"""Every family of backbones: built, exported, and the same answers from torch and from ONNX Runtime."""

from __future__ import annotations

import numpy as np
import onnxruntime
import polars as pl
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from grad_cam import grad_cam
from nevus.bundle import metadata as encoder
from nevus.data.prepare import PreparedImages
from nevus.imaging import frame
from nevus.training.examples import encoded
from nevus.training.export import OUTPUTS, export_graph, with_temperature
from nevus.training.graph import BundleGraph
from nevus.training.network import LesionNetwork
from nevus.training.novelty.settings import NoveltySettings
from nevus.training.refusal import fit_refusal
from nevus.training.settings import ModelSettings
from nevus.training.worker import build_network, train
from training_factory import METADATA, drawn_job

pytestmark = pytest.mark.slow  # an export takes 8 to 60 s

BACKBONES = (
    "resnet50",
    *(f"efficientnet_b{n}" for n in range(5)),
    "densenet121",
    "mobilenetv2_100",
    "mobilenetv3_large_100",
    "mobilenetv3_small_100",
    "convnext_tiny",
)
MALIGNANT = np.array([True, False, True, False, True])
HEIGHT, WIDTH = 64, 96
VIEWS = ("identity", "flip_horizontal")
TEMPERATURE = 1.5
METADATA_WIDTH = encoder.width(METADATA)


def pictures(n: int, seed: int) -> Tensor:
    """Blots of many colours on grounds of many colours, with some noise: uint8 [n,H,W,3]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    images = []
    for _ in range(n):
        ground, blot = rng.uniform(20, 235, (2, 3))
        inside = np.hypot(y - rng.uniform(16, 48), x - rng.uniform(24, 72)) < rng.uniform(8, 28)
        image = np.where(inside[..., None], blot, ground) + rng.normal(0, 15, (HEIGHT, WIDTH, 3))
        images.append(np.clip(image, 0, 255).astype(np.uint8))
    return torch.from_numpy(np.stack(images))


def untrained(backbone: str, metadata: int) -> LesionNetwork:
    """Random weights; the batch statistics are those of `pictures(8, 0)` in both views, so that features keep a scale.

    Of other pictures the deep ones among these networks make features in the thousands, which no trained one does.
    """
    torch.manual_seed(0)
    settings = ModelSettings(backbone=backbone, weights="none", height=HEIGHT, width=WIDTH)
    net = LesionNetwork(settings, len(MALIGNANT), metadata)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = 1.0  # no memory
    net.train()
    with torch.no_grad():
        images = pictures(8, 0).permute(0, 3, 1, 2)
        images = torch.cat([images, images.flip(3)])
        net(images)
        net.eval()
        spread = net.features(images).mean((2, 3)).std(0).mean()
        net.image_fc.weight.mul_(2 / spread)  # so that the classes aren't all alike
    return net


def run(model: bytes, image: Tensor, metadata: Tensor) -> dict[str, np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    fed = {"image": image.numpy(), "metadata": metadata.numpy()}
    return dict(zip(OUTPUTS, session.run(list(OUTPUTS), fed), strict=True))


def assert_the_same(graph: BundleGraph, model: bytes, image: Tensor, metadata: Tensor) -> dict[str, np.ndarray]:
    """ONNX Runtime's answers, which are torch's."""
    with torch.no_grad():
        expected = {name: value.numpy() for name, value in zip(OUTPUTS, graph(image, metadata), strict=True)}
    found = run(model, image, metadata)
    p = found["probabilities"]
    assert np.abs(p - expected["probabilities"]).max() <= 1e-4
    assert (p.argmax(1) == expected["probabilities"].argmax(1)).all()
    assert p.std(0).max() > 0.01  # the images don't all get one answer
    # Rounding grows in deep networks of random weights. B5 to B7 miss 1e-4 and are not here yet.
    for name, share in (("logits", 1e-3), ("embedding", 1e-3), ("ood_score", 1e-3), ("evidence", 1e-3)):
        assert found[name].shape == expected[name].shape
        assert np.abs(found[name] - expected[name]).max() <= share * np.abs(expected[name]).max()
    return found


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_backbone_answers_in_onnx_runtime_as_in_torch(backbone):
    width = 8 if BACKBONES.index(backbone) % 2 else 0  # with and without metadata
    net = untrained(backbone, width)
    graph = BundleGraph(net, MALIGNANT, VIEWS, TEMPERATURE).eval()
    model = export_graph(graph, height=HEIGHT, width=WIDTH, metadata_width=width)
    image, metadata = pictures(5, 0), torch.randn(5, width, generator=torch.Generator().manual_seed(1))
    found = assert_the_same(graph, model, image, metadata)
    oracle = grad_cam(net, MALIGNANT, image, metadata, VIEWS, TEMPERATURE).numpy()
    assert oracle.max() > 0
    assert np.abs(found["evidence"] - oracle).max() <= 1e-4 * oracle.max()
    alone = run(model, image[3:4], metadata[3:4])
    np.testing.assert_allclose(alone["probabilities"][0], found["probabilities"][3], atol=1e-4)


@pytest.mark.parametrize("backbone", ["mobilenetv2_100", "efficientnet_b0"])
def test_a_backbone_learns_and_its_bundle_gives_the_trained_networks_answers(backbone, tmp_path):
    job = drawn_job(
        tmp_path, groups=24, model={"backbone": backbone}, epochs=6, optimiser={"learning_rate": 3e-3}, ema_decay=0.5
    )
    trained = train(job)
    losses = [entry["train_loss"] for entry in trained.history]
    assert np.mean(losses[-2:]) < 0.9 * losses[0]
    net = build_network(job)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(load_file(trained.weights), strict=False)
    net.eval()
    assert not any(torch.equal(value, before[name]) for name, value in net.state_dict().items() if "weight" in name)

    mask = job.targets.malignant_mask
    score = fit_refusal(job, NoveltySettings(images=12, drawn=1, made=2))
    graph = BundleGraph(net, mask, temperature=TEMPERATURE, novelty=score).eval()
    untempered = BundleGraph(net, mask, novelty=score)
    size = {"height": job.model.height, "width": job.model.width}
    model = with_temperature(export_graph(untempered, **size, metadata_width=METADATA_WIDTH), TEMPERATURE)
    rows = pl.read_parquet(job.manifest).filter(pl.col("split") == "validation")
    pixels = PreparedImages.open(job.prepared).pixels_of
    image = torch.from_numpy(np.stack([frame(pixels(name), **size) for name in rows["image_id"]]))
    metadata = torch.from_numpy(encoded(rows, job.metadata))
    found = assert_the_same(graph, model, image, metadata)
    assert found["ood_score"].std() > 0.1
    oracle = grad_cam(net, mask, image, metadata, temperature=TEMPERATURE).numpy()
    assert np.abs(found["evidence"] - oracle).max() <= 1e-4 * oracle.max()
