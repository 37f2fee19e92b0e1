"""Geometry: one turn, scale and shift that most matched keypoints of two images agree on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nevus.data.duplicates.keypoints import Keypoints
from nevus.data.duplicates.matching import match_keypoints

_TOLERANCE = 5.0
"""Pixels by which a matched keypoint may miss its place; contact dermoscopy stretches the skin a little."""
_TURN = np.deg2rad(30)
_STRETCH = np.log(1.7)
"""How far a matched pair's own turn and scale may lie from the common ones."""
_SCALE = 5.0
"""The strongest zoom between two images, either way."""
_STARTS = 5
_ROUNDS = 4
_APART = 10.0
"""Pixels between keypoints that count as independent: a ruler's letters or a lamp's reflex are one thing."""
_FEWEST = 3


@dataclass(frozen=True)
class Alignment:
    """How image a lies over image b.

    Attributes:
        matrix: float64 [2, 3], from pixels (x, y) of a to those of b.
        mirrored: whether it mirrors.
        inliers: matched keypoints that agree, [I, 2] rows of a's and b's keypoints.
        independent: inliers at least ten pixels apart, in the image where they are fewer.
    """

    matrix: NDArray[np.float64]
    mirrored: bool
    inliers: NDArray[np.int64]
    independent: int

    @property
    def scale(self) -> float:
        """Pixels of b per pixel of a."""
        return float(np.hypot(self.matrix[0, 0], self.matrix[1, 0]))

    @property
    def rotation(self) -> float:
        """Degrees, anticlockwise as one sees it, in (-180, 180]; for a mirrored one after mirroring top to bottom."""
        return float(-np.rad2deg(np.arctan2(self.matrix[1, 0], self.matrix[0, 0])))


def align(a: Keypoints, b: Keypoints, *, mirrored: bool = False) -> Alignment | None:
    """The similarity transform that most matched keypoints agree on; None where fewer than three do.

    Each match proposes a whole transform by its own place, size and angle, so all proposals are tried: nothing is
    drawn at random. The best ones are refitted to their inliers by least squares until these no longer change.
    """
    source = a.mirrored() if mirrored else a
    matches = match_keypoints(source, b)
    if len(matches) < _FEWEST:
        return None
    frames_a, frames_b = source.frames[matches[:, 0]].astype(np.float64), b.frames[matches[:, 1]].astype(np.float64)
    proposals = _Matches(frames_a, frames_b)
    best: tuple[int, complex, complex, NDArray[np.bool_]] | None = None
    for start in proposals.starts():
        fitted = proposals.refine(start)
        if fitted is not None and (best is None or fitted[2].sum() > best[0]):
            best = (int(fitted[2].sum()), *fitted)
    if best is None or best[0] < _FEWEST:
        return None
    _, turn, shift, agree = best
    sign = -1.0 if mirrored else 1.0
    matrix = np.array([[turn.real, -turn.imag * sign, shift.real], [turn.imag, turn.real * sign, shift.imag]])
    independent = min(_independent(frames_a[agree, :2]), _independent(frames_b[agree, :2]))
    return Alignment(matrix, mirrored, matches[agree], independent)


class _Matches:
    """Matched keypoints in the complex plane, where a similarity is z -> turn * z + shift."""

    def __init__(self, a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
        self.a, self.b = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
        self.turns = b[:, 2] / a[:, 2] * np.exp(1j * (b[:, 3] - a[:, 3]))
        self.shifts = self.b - self.turns * self.a

    def starts(self) -> list[NDArray[np.bool_]]:
        """The inliers of the best single matches, at twice the tolerance as one match is inexact."""
        agree = self.agree(self.turns[:, None], self.shifts[:, None], 2 * _TOLERANCE)
        agree &= (np.abs(np.log(np.abs(self.turns))) < np.log(_SCALE))[:, None]
        order = np.argsort(-agree.sum(axis=1), kind="stable")
        return [agree[i] for i in order[:_STARTS] if agree[i].sum() >= 2]

    def refine(self, agree: NDArray[np.bool_]) -> tuple[complex, complex, NDArray[np.bool_]] | None:
        """Fit to the inliers and find them anew, a few times; None where the fit leaves the allowed scales."""
        turn = shift = 0j
        for i in range(_ROUNDS):
            if agree.sum() < 2:
                return None
            turn, shift = _least_squares(self.a[agree], self.b[agree])
            if not 1 / _SCALE < abs(turn) < _SCALE:
                return None
            now = self.agree(np.array(turn), np.array(shift), _TOLERANCE * (1.5 if i == 0 else 1.0))
            if np.array_equal(now, agree):
                break
            agree = now
        return turn, shift, agree

    def agree(self, turn: NDArray[np.complex128], shift: NDArray[np.complex128], tolerance: float) -> NDArray[np.bool_]:
        """Which matches fit a transform in place, turn and scale; the place is judged in the coarser image."""
        zoom = np.abs(turn)
        off = np.abs(self.b - (turn * self.a + shift)) / np.maximum(1, zoom)
        rest = self.turns / turn
        near = (off < tolerance) & (np.abs(np.angle(rest)) < _TURN) & (np.abs(np.log(np.abs(rest))) < _STRETCH)
        fits: NDArray[np.bool_] = near
        return fits


def _least_squares(a: NDArray[np.complex128], b: NDArray[np.complex128]) -> tuple[complex, complex]:
    centre_a, centre_b = a.mean(), b.mean()
    spread = float((np.abs(a - centre_a) ** 2).sum())
    turn = complex((np.conj(a - centre_a) * (b - centre_b)).sum() / max(spread, 1e-9))
    return turn, complex(centre_b - turn * centre_a)


def _independent(points: NDArray[np.float64]) -> int:
    """How many of the points [P, 2], taken in turn, lie at least `_APART` from all taken before."""
    far = (np.abs(points[:, None] - points[None]) ** 2).sum(axis=2) >= _APART**2
    free = np.ones(len(points), bool)
    taken = 0
    for i in range(len(points)):
        if free[i]:
            taken += 1
            free &= far[i]
    return taken
