"""Where the name of a mark can stand: near it, inside the frame, and on top of nothing else."""

from __future__ import annotations

from collections.abc import Sequence

LINE = 15
_FAR = 30

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def place_label(x: float, y: float, width: float, taken: Sequence[Box], within: Box) -> Box:
    """The nearest free place for a name, below on the right if possible.

    Args:
        x: of the mark.
        y: of the mark.
        width: of the name.
        taken: what mustn't be covered: other marks and names.
        within: the frame.
    """
    left, right = x - 8 - width, x + 8
    corners = [(right, y + 8), (left, y - 20), (left, y + 8), (right, y - 20), (right, y - 7), (left, y - 7)]
    further = [top for k in range(1, _FAR) for top in (y + 8 + k * LINE, y - 20 - k * LINE)]
    corners += [(side, top) for top in further for side in (right, left)]
    boxes = [(start, top, start + width, top + LINE) for start, top in corners]
    free = (box for box in boxes if _inside(box, within) and not any(_overlap(box, other) for other in taken))
    return next(free, boxes[0])


def leader(x: float, y: float, label: Box) -> tuple[float, float, float, float] | None:
    """The line that leads from a mark to its name, x1, y1, x2, y2; None where they touch anyway."""
    gap = max(label[1] - y, y - label[3])
    if gap <= LINE:
        return None
    nearest = label[1] + 1 if label[1] > y else label[3] - 1
    return x, y + (6 if nearest > y else -6), (label[0] + label[2]) / 2, nearest


def _inside(a: Box, frame: Box) -> bool:
    return frame[0] <= a[0] and a[2] <= frame[2] and frame[1] <= a[1] and a[3] <= frame[3]


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
