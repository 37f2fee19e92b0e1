"""A card of the contact sheet: one pair, laid over one another, with what is known of both images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nevus.data.duplicates.keypoints import to_working_size

WIDTH, HEIGHT = 300, 225
KIND_NAMES = {
    "exact_bytes": "same file",
    "exact_pixels": "same pixels",
    "near": "same lesion",
    "published": "published list",
}
_OUTLINE = (30, 190, 255)
_PAPER = (236, 238, 241)
_COMPARED = ("diagnosis", "sex", "site", "age", "source")
_NAMES = {"diagnosis": "diagnosis", "sex": "sex", "site": "site", "age": "age", "source": "source"}


@dataclass(frozen=True)
class Panel:
    """An image with its captions.

    Attributes:
        pixels: uint8 [HEIGHT, WIDTH, 3].
        heading: what is shown: the image's id.
        lines: what is known of it.
    """

    pixels: NDArray[np.uint8]
    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """A pair as it is shown.

    Attributes:
        kind: how it was found, in words.
        score: the probability, 0 to 1.
        evidence: keypoints, correlation, zoom and turn, in words; empty without a geometry.
        differences: what the two records say differently, such as `diagnosis: mel / nv`.
        panels: the wider image, the wider one in the frame of the closer one, the closer one; without a geometry the
            two images only.
    """

    kind: str
    score: float
    evidence: str
    differences: tuple[str, ...]
    panels: tuple[Panel, ...]


Lookup = Callable[[str, str], tuple[Mapping[str, Any], NDArray[np.uint8]]]
"""Dataset and image id -> the manifest's row and the pixels [H, W, 3]."""


def make_card(pair: Mapping[str, Any], lookup: Lookup, short_side: int) -> Card:
    """The card of a row of the table of pairs, whose transform is between images of `short_side`."""
    row_a, pixels_a = lookup(pair["dataset_a"], pair["image_a"])
    row_b, pixels_b = lookup(pair["dataset_b"], pair["image_b"])
    a, b = to_working_size(pixels_a, short_side), to_working_size(pixels_b, short_side)
    panels: tuple[Panel, ...] = (_panel(a, row_a), _panel(b, row_b))
    if pair["transform"] is not None:
        matrix = np.array(pair["transform"], np.float64).reshape(2, 3)
        if pair["scale"] >= 1:  # b shows less, closer
            panels = _aligned(a, row_a, b, row_b, matrix)
        else:
            panels = _aligned(b, row_b, a, row_a, cv2.invertAffineTransform(matrix))
    return Card(KIND_NAMES[pair["kind"]], pair["score"], _evidence(pair), _differences(row_a, row_b), panels)


def _aligned(
    wide: NDArray[np.uint8],
    wide_row: Mapping[str, Any],
    close: NDArray[np.uint8],
    close_row: Mapping[str, Any],
    matrix: NDArray[np.float64],
) -> tuple[Panel, Panel, Panel]:
    height, width = close.shape[:2]
    framed = cv2.warpAffine(wide, matrix, (width, height), flags=cv2.INTER_CUBIC, borderValue=_PAPER)
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float64)[None]
    outline = cv2.transform(corners, cv2.invertAffineTransform(matrix))[0]
    outlined = cv2.polylines(wide.copy(), [np.round(outline).astype(np.int32)], True, _OUTLINE, 2, cv2.LINE_AA)
    reframed = Panel(_fit(framed), wide_row["image_id"], ("laid over the image on the right",))
    return _panel(outlined, wide_row), reframed, _panel(close, close_row)


def _panel(pixels: NDArray[np.uint8], row: Mapping[str, Any]) -> Panel:
    known = [row.get("diagnosis"), None if row.get("age") is None else f"{row['age']:.0f} years"]
    known += [row.get("sex"), row.get("site"), row.get("source")]
    return Panel(
        _fit(pixels), row["image_id"], (f"lesion {row.get('lesion_id') or 'unknown'}", " · ".join(filter(None, known)))
    )


def _fit(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Scale into the panel, with paper around where the aspect ratio differs."""
    height, width = pixels.shape[:2]
    scale = min(WIDTH / width, HEIGHT / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    panel = np.full((HEIGHT, WIDTH, 3), _PAPER, np.uint8)
    left, top = (WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2
    inner = pixels if size == (width, height) else cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    panel[top : top + size[1], left : left + size[0]] = inner
    return panel


def _evidence(pair: Mapping[str, Any]) -> str:
    if pair["transform"] is None:
        return ""
    zoom = max(pair["scale"], 1 / pair["scale"])
    parts = [
        f"{pair['inliers']} keypoints agree, {pair['independent']} of them apart",
        f"structure correlates by {pair['correlation']:.2f}",
        f"zoom {zoom:.1f}" if zoom >= 1.05 else "same scale",
    ]
    if abs(pair["rotation"]) >= 2:
        parts.append(f"turned by {abs(pair['rotation']):.0f}°")
    if pair["mirrored"]:
        parts.append("mirrored")
    return " · ".join(parts)


def _differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, ...]:
    def text(value: object) -> str:
        return f"{value:.0f}" if isinstance(value, float) else str(value)

    return tuple(
        f"{_NAMES[key]}: {text(a[key])} / {text(b[key])}"
        for key in _COMPARED
        if a.get(key) is not None and b.get(key) is not None and a[key] != b[key]
    )
