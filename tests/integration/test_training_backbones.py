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
    *(f"efficientnet_b{n}" for n in range(8)),
    "densenet121",
    "mobilenetv2_100",
    "mobilenetv3_large_100",
    "mobilenetv3_small_100",
    "convnext_tiny",
)
MALIGNANT = np.array([True, False, True, False, True])
HEIGHT, WIDTH = 128, 192
VIEWS = ("identity", "flip_horizontal")
TEMPERATURE = 1.5
METADATA_WIDTH = encoder.width(METADATA)


def clouds(n: int) -> Tensor:
    """Coloured clouds of four sizes with some noise, uint8 [n,H,W,3]; the first ones are the same for any n."""
    images = []
    for seed in range(n):
        generator = torch.Generator().manual_seed(seed)
        image = 128 + 20 * torch.randn(1, 3, HEIGHT, WIDTH, generator=generator)
        for size in (4, 8, 16, 32):
            coarse = torch.randn(1, 3, HEIGHT // size, WIDTH // size, generator=generator)
            image += 40 * nn.functional.interpolate(coarse, (HEIGHT, WIDTH), mode="bilinear")
        images.append(image.clamp(0, 255).to(torch.uint8))
    return torch.cat(images).permute(0, 2, 3, 1).contiguous()


def untrained(backbone: str, metadata: int) -> LesionNetwork:
    """Random weights; the batch statistics are those of `clouds(16)` in both views, so that features keep a scale.

    Of pictures of another kind, or of fewer or smaller ones, the deep ones among these networks make features in the
    thousands and answers in which float32 keeps three digits; no trained one does.
    """
    torch.manual_seed(0)
    settings = ModelSettings(backbone=backbone, weights="none", height=HEIGHT, width=WIDTH)
    net = LesionNetwork(settings, len(MALIGNANT), metadata)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = 1.0  # no memory
    net.train()
    with torch.no_grad():
        images = clouds(16).permute(0, 3, 1, 2)
        images = torch.cat([images, images.flip(3)])
        net(images)
        net.eval()
        pooled = net.features(images).mean((2, 3))
        net.image_fc.weight.mul_(4 / pooled.std(0).mean())  # so that the images aren't all alike
        net.image_fc.bias.copy_(-net.image_fc.weight @ pooled.mean(0))  # nor all of one class
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
    for name in ("logits", "embedding", "ood_score", "evidence"):
        assert found[name].shape == expected[name].shape
        assert np.abs(found[name] - expected[name]).max() <= 1e-4 * np.abs(expected[name]).max(), name
    return found


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_backbone_answers_in_onnx_runtime_as_in_torch(backbone):
    width = 8 if BACKBONES.index(backbone) % 2 else 0  # with and without metadata
    net = untrained(backbone, width)
    graph = BundleGraph(net, MALIGNANT, VIEWS, TEMPERATURE).eval()
    model = export_graph(graph, height=HEIGHT, width=WIDTH, metadata_width=width)
    image, metadata = clouds(5), torch.randn(5, width, generator=torch.Generator().manual_seed(1))
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
