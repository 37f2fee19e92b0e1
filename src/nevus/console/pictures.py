"""Pictures as the console shows them: upright, and not larger than a page."""

from __future__ import annotations

import io

from PIL import Image, ImageOps

from nevus.client import Client, ClientError, StoredImage

_TURNED = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_270,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_90,),
}


def upright(stored: StoredImage, longest: int = 1024) -> Image.Image:
    """The picture turned as its orientation says, its longer side at most so many pixels."""
    picture: Image.Image = Image.open(io.BytesIO(stored.data))
    picture.draft("RGB", (longest, longest))
    picture = picture.convert("RGB")
    for turn in _TURNED.get(stored.orientation, ()):
        picture = picture.transpose(turn)
    picture.thumbnail((longest, longest))
    return picture


def square(picture: Image.Image, side: int = 240) -> Image.Image:
    """Its middle, for a row of pictures of one size."""
    return ImageOps.fit(picture, (side, side))


def stored_picture(client: Client, prediction_id: str, longest: int = 1024) -> Image.Image | None:
    """The picture of a prediction; None where it isn't kept (any more)."""
    try:
        return upright(client.image(prediction_id), longest)
    except ClientError as error:
        if error.status != 404:
            raise
        return None
