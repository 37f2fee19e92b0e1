"""Somebody's own timm checkpoint as a bundle: it answers as their model does, and is refused where it doesn't fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from nevus.bundle import Predictor, read_bundle_manifest
from nevus.bundle.directory import GRAPH
from nevus.bundle.runtimes import load_runtime
from nevus.bundle.schema import RuntimeSpec
from nevus.training.importing import CheckpointError, import_checkpoint
from nevus.training.settings import ModelSettings

CLASSES = ("mel", "nv", "bcc", "bkl")
MALIGNANT = ("mel", "bcc")
HEIGHT, WIDTH = 64, 96
MEAN, STD = (0.7, 0.55, 0.5), (0.2, 0.25, 0.3)
FRAME = ModelSettings(height=HEIGHT, width=WIDTH, mean=MEAN, std=STD)


def theirs(name: str, **options) -> nn.Module:
    """A timm model as if trained: batch statistics of its images, and logits that tell them apart."""
    torch.manual_seed(3)
    model = timm.create_model(name, num_classes=len(CLASSES), **options)
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = None
    model.train()
    with torch.no_grad():
        model(normalised(images(8, seed=5)))
        model.eval()
        logits = model(normalised(images(8, seed=6)))
        model.get_classifier().weight.mul_(2 / logits.std(0).mean())
    return model


def images(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    level = rng.uniform(40, 200, (n, 1, 1, 3))
    return np.clip(level + rng.normal(0, 40, (n, HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8)


def normalised(pixels: np.ndarray) -> torch.Tensor:
    """By hand: their own pre-processing."""
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    return (x - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def saved(model: nn.Module, path: Path) -> Path:
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, path)
    return path


def make(name: str, weights: Path, out: Path, **options) -> Path:
    plain = {"classes": CLASSES, "malignant": MALIGNANT, "model": FRAME}
    import_checkpoint(name, weights, out, **(plain | options))
    return out


def answers(bundle: Path, pixels: np.ndarray) -> dict[str, np.ndarray]:
    return load_runtime(bundle / GRAPH, RuntimeSpec(), threads=1).run(pixels)


def test_a_head_of_pool_and_linear_keeps_its_answers_and_gains_exact_evidence(tmp_path):
    model = theirs("test_resnet")
    bundle = make("test_resnet", saved(model, tmp_path / "w.safetensors"), tmp_path / "b")
    pixels = images(5)
    found = answers(bundle, pixels)
    features = model.forward_features(normalised(pixels)).detach().requires_grad_(True)
    logits = model.forward_head(features)
    p = torch.softmax(logits, 1)
    odds = torch.log(p[:, [0, 2]].sum(1)) - torch.log(p[:, [1, 3]].sum(1))
    (gradient,) = torch.autograd.grad(odds.sum(), features)
    cam = torch.relu((gradient.sum((2, 3), keepdim=True) * features).sum(1)).detach().numpy()
    assert p.std(0).max() > 0.05
    np.testing.assert_allclose(found["probabilities"], p.detach().numpy(), atol=1e-4)
    np.testing.assert_allclose(found["logits"], logits.detach().numpy(), atol=1e-3)
    assert np.abs(found["evidence"] - cam).max() <= 1e-4 * cam.max()
    assert read_bundle_manifest(bundle).outputs == ("probabilities", "logits", "embedding", "evidence")


@pytest.mark.parametrize("name", ["test_convnext", "mobilenetv3_small_050"])
def test_another_head_keeps_its_answers_and_has_no_evidence(tmp_path, name):
    """ConvNeXt normalises after its pool, MobileNetV3 has a layer after it: a map of ours would explain another net."""
    model = theirs(name)
    bundle = make(name, saved(model, tmp_path / "w.safetensors"), tmp_path / "b")
    pixels = images(5)
    with torch.no_grad():
        p = torch.softmax(model(normalised(pixels)), 1).numpy()
    assert p.std(0).max() > 0.05
    np.testing.assert_allclose(answers(bundle, pixels)["probabilities"], p, atol=1e-4)
    assert read_bundle_manifest(bundle).outputs == ("probabilities", "logits")


def test_it_predicts_from_a_file_and_says_that_nothing_was_measured(tmp_path):
    model = theirs("test_resnet")
    bundle = make("test_resnet", saved(model, tmp_path / "w.safetensors"), tmp_path / "b", licence="CC-BY-4.0")
    pixels = images(1)[0]
    Image.fromarray(pixels).save(tmp_path / "lesion.png")
    with Predictor(bundle, threads=1) as predictor:
        record = predictor.predict([tmp_path / "lesion.png"], raw=True)[0].as_record()
    with torch.no_grad():
        p = torch.softmax(model(normalised(pixels[None])), 1)[0].tolist()
    assert record["probabilities"] == pytest.approx(dict(zip(CLASSES, p, strict=True)), abs=1e-4)
    assert record["p_malignant"] == pytest.approx(p[0] + p[2], abs=1e-4)
    assert "no_operating_point" in record["reasons"]
    manifest = read_bundle_manifest(bundle)
    assert (manifest.backbone, manifest.licence, manifest.operating_points) == ("test_resnet", "CC-BY-4.0", ())


def test_a_state_dict_of_tensors_in_a_pth_is_taken(tmp_path):
    model = theirs("test_resnet")
    torch.save({"state_dict": model.state_dict(), "epoch": 3}, tmp_path / "w.pth")
    one = make("test_resnet", tmp_path / "w.pth", tmp_path / "one")
    torch.save(model.state_dict(), tmp_path / "plain.pth")
    other = make("test_resnet", tmp_path / "plain.pth", tmp_path / "other")
    for value, same in zip(*(answers(bundle, images(3)).values() for bundle in (one, other)), strict=True):
        np.testing.assert_array_equal(value, same)


def test_options_of_timm_are_needed_where_the_checkpoint_has_them(tmp_path):
    model = theirs("mobilenetv3_small_050", pad_type="same")
    weights = saved(model, tmp_path / "w.safetensors")
    with_option = FRAME.model_copy(update={"backbone_options": {"pad_type": "same"}})
    bundle = make("mobilenetv3_small_050", weights, tmp_path / "b", model=with_option)
    without = make("mobilenetv3_small_050", weights, tmp_path / "c")
    with torch.no_grad():
        p = torch.softmax(model(normalised(images(3))), 1).numpy()
    np.testing.assert_allclose(answers(bundle, images(3))["probabilities"], p, atol=1e-4)
    assert np.abs(answers(without, images(3))["probabilities"] - p).max() > 1e-3


class Loot:
    """What a pickle may hold, and may do."""


@pytest.mark.parametrize(
    ("name", "classes", "message"),
    [
        ("test_resnett", CLASSES, "timm has no model 'test_resnett'"),
        ("test_resnet", CLASSES[:3], r"doesn't fit test_resnet with 3 classes: .*Check the name, the classes"),
        ("test_efficientnet", CLASSES, "doesn't fit test_efficientnet with 4 classes"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(tmp_path, name, classes, message):
    weights = saved(theirs("test_resnet"), tmp_path / "w.safetensors")
    with pytest.raises(CheckpointError, match=message):
        make(name, weights, tmp_path / "b", classes=classes)
    assert not (tmp_path / "b").exists()


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        make("test_resnet", tmp_path / "absent.pth", tmp_path / "b")
    (tmp_path / "w.safetensors").write_bytes(b"no tensors at all")
    with pytest.raises(CheckpointError, match=r"w\.safetensors can't be read"):
        make("test_resnet", tmp_path / "w.safetensors", tmp_path / "b")
    torch.save({"state_dict": Loot()}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="holds more than tensors"):
        make("test_resnet", tmp_path / "w.pth", tmp_path / "b")
    torch.save([torch.zeros(3)], tmp_path / "list.pth")
    with pytest.raises(CheckpointError, match="is not a state_dict"):
        make("test_resnet", tmp_path / "list.pth", tmp_path / "b")
