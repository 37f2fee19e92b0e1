"""The evidence map laid over the image, in colours that colour-blind people can tell apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_VIRIDIS = np.array(
    [
        (68, 1, 84), (72, 24, 106), (71, 45, 123), (66, 64, 134), (59, 82, 139), (51, 99, 141), (44, 114, 142),
        (38, 130, 142), (33, 145, 140), (31, 160, 136), (40, 174, 128), (63, 188, 115), (94, 201, 98), (132, 212, 75),
        (173, 220, 48), (216, 226, 25), (253, 231, 37),
    ]
)  # fmt: skip
"""Viridis (van der Walt and Smith, CC0) at 17 equal steps: even in lightness, and far from the colours of skin."""

_TABLE = np.stack(
    [np.interp(np.linspace(0, 1, 256), np.linspace(0, 1, len(_VIRIDIS)), _VIRIDIS[:, c]) for c in range(3)], axis=1
).astype(np.float32)


def overlay_evidence(
    pixels: NDArray[np.uint8],
    evidence: NDArray[np.floating],
    *,
    alpha: float = 0.45,
    scale: float | None = None,
) -> NDArray[np.uint8]:
    """Lay an evidence map over the image that it explains.

    Args:
        pixels: uint8 [H, W, 3], the framed input at any resolution.
        evidence: [h, w], not negative; enlarged smoothly to [H, W].
        alpha: opacity of the strongest colour, 0..1. It falls to 0 where there is no evidence, so that the skin
            stays to be seen.
        scale: the evidence that has the strongest colour; None for the map's own maximum, which says where the
            evidence lies but not how strong it is.

    Returns:
        uint8 [H, W, 3].
    """
    height, width = pixels.shape[:2]
    top = float(np.max(evidence, initial=0.0)) if scale is None else scale
    if not np.isfinite(top) or top <= 0:
        return pixels.copy()
    relative = np.clip(np.asarray(evidence, np.float32) / top, 0.0, 1.0)
    smooth = np.asarray(Image.fromarray(relative).resize((width, height), Image.Resampling.BICUBIC))
    smooth = np.clip(smooth, 0.0, 1.0)
    colour = _TABLE[np.rint(smooth * 255).astype(np.intp)]
    opacity = (alpha * np.minimum(1.0, 2 * smooth))[:, :, None]
    mixed: NDArray[np.uint8] = np.rint(pixels * (1 - opacity) + colour * opacity).astype(np.uint8)
    return mixed
