"""Somebody's own timm checkpoint, made into a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from nevus.bundle import write_bundle
from nevus.bundle.schema import BundleManifest, InputSpec, Task
from nevus.errors import InputError
from nevus.provenance import code_revision, library_versions
from nevus.taxonomy import BINARY_CLASSES
from nevus.training.export import OUTPUTS, export_graph
from nevus.training.graph import BundleGraph
from nevus.training.network import LesionNetwork
from nevus.training.settings import ModelSettings

PLAIN_OUTPUTS = ("probabilities", "logits")
TOLERANCE = 1e-4


class CheckpointError(InputError):
    """The checkpoint can't be imported."""


class PlainGraph(nn.Module):
    """A classifier whose head isn't a pool and one linear term: probabilities and logits, no evidence."""

    def __init__(self, model: nn.Module, network: LesionNetwork) -> None:
        super().__init__()
        self.model, self.network = model, network

    def forward(self, image: Tensor, metadata: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 [N,H,W,3] to probabilities and logits [N,C]; metadata [N,0] is passed over."""
        logits = self.model(self.network.normalise(image.permute(0, 3, 1, 2))) + metadata.sum(1, keepdim=True) * 0.0
        return torch.softmax(logits, 1), logits


def import_checkpoint(
    name: str,
    weights: Path,
    out: Path,
    *,
    classes: Sequence[str],
    malignant: Sequence[str],
    model: ModelSettings | None = None,
    task: Task = "diagnosis",
    licence: str = "unknown",
    bundle_name: str | None = None,
) -> str:
    """Build `timm.create_model(name, num_classes=len(classes))`, load its weights, and write a bundle.

    Where the model's head is a global average pool and one linear layer, the bundle has embedding and evidence;
    otherwise only probabilities and logits, and its manifest says so. It has no operating point and no refusal limit:
    those need labelled data, so every prediction says `no_operating_point`.

    Args:
        name: timm's name of the model.
        weights: a safetensors file, or a `.pth` of tensors alone (optionally under `state_dict`).
        out: where the bundle goes.
        classes: in the order of the model's outputs.
        malignant: those of them that are.
        model: input size, normalisation and options; its backbone and weights are ignored.
        task: what the classes mean.
        licence: of the data that it was trained on.
        bundle_name: by default the model's name.

    Returns:
        The bundle's digest.

    Raises:
        CheckpointError: timm doesn't know the name, or the weights don't fit.
    """
    import timm

    if not timm.is_model(name):
        raise CheckpointError(f"timm has no model {name!r}.")
    options = (model or ModelSettings()).model_dump()
    settings = ModelSettings.model_validate({**options, "backbone": name, "weights": "none"})
    full: nn.Module = timm.create_model(name, num_classes=len(classes), **settings.backbone_options)
    state = _read(weights)
    try:
        full.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if len(str(error).splitlines()) > 1 else str(error)
        raise CheckpointError(
            f"{weights} doesn't fit {name} with {len(classes)} classes: {first} Check the name, the classes and "
            "--option."
        ) from error
    full.eval()
    network = LesionNetwork(settings, len(classes)).eval()
    exact = _take_over(network, full, settings)
    mask = np.array([c in malignant for c in classes])
    graph: nn.Module = BundleGraph(network, mask, settings.views) if exact else PlainGraph(full, network)
    outputs = OUTPUTS if exact else PLAIN_OUTPUTS
    content = export_graph(graph, height=settings.height, width=settings.width, metadata_width=0, outputs=outputs)
    named = tuple(o for o in outputs if o != "ood_score")
    manifest = BundleManifest(
        name=bundle_name or name,
        created_at=datetime.now(UTC).replace(microsecond=0),
        task=task,
        classes=BINARY_CLASSES if task == "malignancy" else tuple(classes),
        malignant=tuple(malignant),
        input=InputSpec(height=settings.height, width=settings.width, rule=settings.rule),
        views=settings.views if exact else ("identity",),
        outputs=named,
        backbone=name,
        licence=licence,
        code_revision=code_revision(),
        libraries=library_versions(("nevus", "torch", "timm", "onnx", "onnxruntime")),
    )
    return write_bundle(out, manifest, content)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no checkpoint {path}.") from error
    except (SafetensorError, RuntimeError, EOFError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path} can't be read: {str(error).splitlines()[0]}") from error
    except Exception as error:  # torch's unpickler raises its own error for anything but tensors
        raise CheckpointError(f"{path} holds more than tensors; save its state_dict as safetensors.") from error
    state = found.get("state_dict", found) if isinstance(found, dict) else None
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise CheckpointError(f"{path} is not a state_dict; save it with safetensors.torch.save_model.")
    return state


def _take_over(network: LesionNetwork, full: nn.Module, settings: ModelSettings) -> bool:
    """Put the model's weights into our network; whether it then computes the same."""
    classifier = full.get_classifier()  # type: ignore[operator]
    if not isinstance(classifier, nn.Linear) or classifier.in_features != network.width:
        return False
    network.backbone.load_state_dict(full.state_dict(), strict=False)
    with torch.no_grad():
        network.image_fc.weight.copy_(classifier.weight)
        if classifier.bias is not None:
            network.image_fc.bias.copy_(classifier.bias)
        pixels = torch.rand(2, 3, settings.height, settings.width, generator=torch.Generator().manual_seed(0)) * 255
        theirs, ours = full(network.normalise(pixels)), network(pixels)
    return bool(torch.allclose(theirs, ours, atol=TOLERANCE * float(theirs.abs().max() + 1)))
