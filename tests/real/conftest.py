"""What tests on real images may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

WEIGHTS = "weights/mobilenetv2_100.imagenet-dequantized.safetensors"


@pytest.fixture(scope="session")
def weights(shared: Path) -> Path:
    """Of a MobileNetV2, or a skip that says why."""
    path = shared / WEIGHTS
    if not path.is_file():
        pytest.skip(f"needs pretrained weights: none at {path}")
    return path
