"""What cameras, screens and re-encoding do to a picture, so that none of it looks strange by itself.

The same distortions go over lesions and over other pictures: what they share can't tell the two apart, so the score has
to rest on what an image shows, not on its colour balance, its sharpness or its JPEG quality.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from nevus.training.novelty.proxies.canvas import Floats, Pixels, Rng

SWAPPED = 0.3
"""Share of copies with red and blue exchanged, as in files that were written in the wrong channel order."""


def reframed(pixels: Pixels, rng: Rng) -> Pixels:
    """A crop near the middle, zoomed up to 1.4-fold, squashed by up to a third, perhaps from a smaller picture."""
    height, width = pixels.shape[:2]
    across = rng.uniform(0.7, 1.0) if rng.random() < 0.5 else 1.0
    down = min(1.0, across * rng.uniform(0.72, 1.35)) if rng.random() < 0.5 else across
    left, top = rng.uniform(0.25, 0.75) * width * (1 - across), rng.uniform(0.25, 0.75) * height * (1 - down)
    box = (left, top, left + across * width, top + down * height)
    image = Image.fromarray(pixels)
    if rng.random() < 0.5:
        scale = rng.uniform(0.45, 1.0)
        small = (max(8, int(width * scale)), max(8, int(height * scale)))
        image = image.resize(small, Image.Resampling.BILINEAR, box=box).resize(
            (width, height), Image.Resampling.BICUBIC
        )
    else:
        image = image.resize((width, height), Image.Resampling.BICUBIC, box=box)
    if rng.random() < 0.2:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
    turned = np.asarray(image)[:: rng.choice([-1, 1]), :: rng.choice([-1, 1])]
    return np.ascontiguousarray(turned)


def relit(pixels: Pixels, rng: Rng) -> Pixels:
    """Gamma, exposure, white balance, saturation and contrast changed; red and blue exchanged in a share of copies."""
    x: Floats = np.clip(pixels.astype(np.float32) / 255, 1e-3, 1) ** np.float32(np.exp(rng.normal(0, 0.2)))
    warmth = rng.normal(0, 0.12)
    gain = np.exp(np.array([warmth, 0, -warmth]) + rng.normal(0, 0.05, 3) + rng.normal(0, 0.1))
    x = x * gain.astype(np.float32)
    grey = x.mean(2, keepdims=True)
    x = grey + (x - grey) * np.float32(np.exp(rng.normal(0, 0.25)))
    middle = x.mean((0, 1))
    x = middle + (x - middle) * np.float32(np.exp(rng.normal(0, 0.15)))
    if rng.random() < SWAPPED:
        x = x[..., ::-1]
    return np.asarray(np.clip(x * 255, 0, 255), np.uint8)


def reencoded(pixels: Pixels, rng: Rng) -> Pixels:
    """Through JPEG at quality 50 to 95."""
    file = io.BytesIO()
    sampling = int(rng.choice([0, 2]))
    Image.fromarray(pixels).save(file, "JPEG", quality=int(rng.integers(50, 96)), subsampling=sampling)
    return np.asarray(Image.open(file).convert("RGB"))


def distorted(pixels: Pixels, rng: Rng) -> Pixels:
    """One distorted copy of uint8 [H, W, 3]: reframed, relit, and in six of ten cases re-encoded."""
    copy = relit(reframed(pixels, rng), rng)
    return reencoded(copy, rng) if rng.random() < 0.6 else copy


def recoloured(pixels: Pixels, like: Pixels) -> Pixels:
    """The picture with the mean and the covariance of another one's colours (optimal linear transport)."""
    x, y = (image.reshape(-1, 3).astype(np.float64) for image in (pixels, like))
    from_, to = (np.cov(rows.T) + 4 * np.eye(3) for rows in (x, y))
    root, inverse = _power(from_, 0.5), _power(from_, -0.5)
    moved = (x - x.mean(0)) @ (inverse @ _power(root @ to @ root, 0.5) @ inverse).T + y.mean(0)
    return np.asarray(np.clip(moved, 0, 255), np.uint8).reshape(pixels.shape)


def _power(matrix: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 1e-9) ** exponent) @ vectors.T)
