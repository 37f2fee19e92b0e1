"""Stored pictures are shown upright."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from nevus.client import StoredImage
from nevus.console.pictures import upright
from nevus.imaging.orientation import turn_upright


@pytest.mark.parametrize("orientation", range(1, 9))
def test_they_are_turned_as_the_model_saw_them(orientation: int) -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:10, :20] = (255, 0, 0)
    pixels[-10:, :20] = (0, 0, 255)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    shown = np.asarray(upright(StoredImage(buffer.getvalue(), "image/png", orientation)))
    np.testing.assert_array_equal(shown, turn_upright(pixels, orientation))


def test_a_large_one_is_made_smaller_and_keeps_its_shape() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (3000, 1500)).save(buffer, "JPEG")
    assert upright(StoredImage(buffer.getvalue(), "image/jpeg", 6), 500).size == (250, 500)
