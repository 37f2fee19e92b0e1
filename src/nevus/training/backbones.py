"""Backbones: any model of timm without its head, its weights, and its last feature map."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from nevus.errors import InputError

if TYPE_CHECKING:
    from nevus.training.settings import ModelSettings


class BackboneError(InputError):
    """No such backbone, or weights that don't fit it."""


def create_backbone(settings: ModelSettings) -> nn.Module:
    """The trunk of a timm model: float32 [N,3,H,W] -> feature map float32 [N,D,h,w].

    Raises:
        BackboneError: timm doesn't know the name, has no weights for it, or can't be reached; or the file doesn't fit.
    """
    import timm

    if not timm.is_model(settings.backbone):
        near = difflib.get_close_matches(settings.backbone, timm.list_models(), 3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise BackboneError(f"timm has no model {settings.backbone!r} (model.backbone){hint}")
    options = {**settings.backbone_options, "num_classes": 0, "global_pool": ""}
    try:
        trunk: nn.Module = timm.create_model(settings.backbone, pretrained=settings.weights == "timm", **options)
    except (OSError, RuntimeError, ValueError) as error:
        raise BackboneError(
            f"timm could not give weights for {settings.backbone}: {str(error).splitlines()[0]}. Set model.weights "
            "to a local safetensors file, or to 'none' for random ones."
        ) from error
    if isinstance(settings.weights, Path):
        _load(trunk, settings.weights)
    return trunk


def _load(trunk: nn.Module, path: Path) -> None:
    try:
        state = load_file(path)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise BackboneError(f"there is no weights file {path} (model.weights).") from error
    except SafetensorError as error:
        raise BackboneError(f"{path} is not a safetensors file (model.weights): {error}") from error
    wanted = trunk.state_dict()
    fitting = {k: v for k, v in state.items() if k in wanted and v.shape == wanted[k].shape}
    missing = [k for k in wanted if k not in fitting and not k.endswith("num_batches_tracked")]
    if missing:
        raise BackboneError(
            f"{path} doesn't fit the backbone: {len(missing)} of {len(wanted)} tensors are absent or of another shape, "
            f"first {missing[0]}. Check model.backbone and model.backbone_options."
        )
    trunk.load_state_dict(fitting, strict=False)


def feature_width(trunk: nn.Module) -> int:
    """Channels of the last feature map, seen on a dummy image."""
    trunk.eval()
    with torch.no_grad():
        return int(trunk(torch.zeros(2, 3, 64, 64)).shape[1])


def stages(trunk: nn.Module) -> list[nn.Module]:
    """The trunk's parts in order of depth: what comes before the stages, each stage (or block group), the rest.

    The parts are the trunk's own children, with containers of stages opened; parts without parameters are left out.
    """
    parts: list[nn.Module] = []
    for name, child in trunk.named_children():
        container = name in {"blocks", "stages", "layers", "features"}
        parts += list(child.children()) if container else [child]
    return [part for part in parts if any(True for _ in part.parameters())]


def frozen_stages(trunk: nn.Module, share: float) -> list[nn.Module]:
    """The first parts that hold at most `share` of the depth, for freezing."""
    parts = stages(trunk)
    return parts[: int(share * len(parts) + 1e-9)]
