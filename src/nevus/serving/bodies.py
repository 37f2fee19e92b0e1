"""Request bodies, read within limits: one image as it is, as multipart or as base64 in JSON, with its metadata."""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile

from nevus.serving.errors import BODY, KIND, ProblemError
from nevus.serving.forms import read_form
from nevus.store.plain_text import storable
from nevus.store.pseudonyms import plain_key


def _plain(text: str) -> str:
    if not storable(text):
        raise ValueError("holds a character that no text may hold")
    return text


_IMAGES = ("image", "images", "file", "files")
_LONG = 1_000_000
"""Bytes of JSON that are read beside the event loop, where they would keep all others waiting."""
PlainText = Annotated[str, AfterValidator(_plain)]
"""Text that every database takes."""


PatientKey = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(plain_key)]
"""A patient's or lesion's key as its hash knows it: not only spaces."""


class Asked(BaseModel):
    """What may be said beside the images; the same names in the query, in a form and in JSON."""

    model_config = ConfigDict(extra="forbid")

    age: float | None = Field(default=None, ge=0, le=120, description="years")
    sex: PlainText | None = Field(default=None, max_length=40)
    site: PlainText | None = Field(default=None, max_length=80)
    patient: PatientKey | None = Field(default=None, description="your key of the patient")
    lesion: PatientKey | None = Field(default=None, description="your key of the lesion")
    model: str | None = Field(default=None, max_length=200, description="a loaded version instead of the usual one")
    explain: bool = Field(default=False, description="with the evidence map")


_NOTHING = Asked()


class AskedWithImages(Asked):
    """The JSON body."""

    image: str | None = Field(default=None, description="base64 of the file")
    images: list[str] | None = Field(default=None, description="base64 of several images of one lesion")


@dataclass(frozen=True)
class Body:
    """Images as they came, and what was said of them."""

    images: list[bytes]
    asked: Asked
    names: list[str | None] = field(default_factory=list)


async def read_body(request: Request, *, most_bytes: int, seconds: float) -> bytes:
    """The whole body.

    Raises:
        ProblemError: 413 too large; 408 too slow.
    """
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > most_bytes:
        raise _too_large(most_bytes)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > most_bytes:
                    raise _too_large(most_bytes)
                chunks.append(chunk)
    except TimeoutError:
        raise ProblemError(
            408, f"the body did not arrive within {seconds:g} seconds.", headers={"Connection": "close"}, field=BODY
        ) from None
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def read_images(request: Request, *, most_bytes: int, most_items: int, seconds: float) -> Body:
    """The images of a request, by its content type.

    Raises:
        ProblemError: 400, 408, 413, 415 or 422.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("image/jpeg", "image/png", "application/octet-stream") or kind.startswith("image/"):
        data = await read_body(request, most_bytes=most_bytes, seconds=seconds)
        if not data:
            raise ProblemError(422, "the body is empty; send the image's bytes.", field="image")
        return Body([data], asked(dict(request.query_params) if request.scope["query_string"] else {}), [None])
    if kind == "multipart/form-data":
        return await _from_form(request, most_bytes=most_bytes, most_items=most_items, seconds=seconds)
    if kind == "application/json":
        data = await read_body(request, most_bytes=most_bytes * 4 // 3 + 4096, seconds=seconds)
        if len(data) < _LONG:
            return _from_json(data, most_items)
        return await asyncio.to_thread(_from_json, data, most_items)
    raise ProblemError(
        415,
        f"a body of type {kind or 'unknown'} can't be read; send image/jpeg, image/png, multipart/form-data or "
        "application/json.",
        headers={"Accept": "image/jpeg, image/png, multipart/form-data, application/json"},
        field=KIND,
    )


def asked(values: dict[str, Any]) -> Asked:
    """What was said in the query or in a form; an empty text says nothing.

    Raises:
        ValidationError: a name or a value that isn't allowed.
    """
    said = {name: value for name, value in values.items() if value != ""}
    return Asked.model_validate(said) if said else _NOTHING


async def _from_form(request: Request, *, most_bytes: int, most_items: int, seconds: float) -> Body:
    known = {**dict.fromkeys(_IMAGES, UploadFile), **dict.fromkeys(Asked.model_fields, str)}
    form = await read_form(request, known, most_bytes=most_bytes, most_files=most_items, seconds=seconds)
    try:
        files = form.files_of(*_IMAGES)
        if not files:
            raise ProblemError(422, "the form has no file in the field image.", field="image")
        images = [await file.read() for file in files]
    finally:
        await form.close()
    return Body(images, asked({**request.query_params, **form.texts}), [file.filename for file in files])


def _from_json(data: bytes, most_items: int) -> Body:
    said = AskedWithImages.model_validate_json(data)
    coded = said.images if said.images is not None else ([said.image] if said.image is not None else [])
    if said.image is not None and said.images is not None:
        raise ProblemError(422, "give image or images, not both.", field="images")
    if not coded:
        raise ProblemError(422, "there is no image; give its base64 in the field image.", field="image")
    if len(coded) > most_items:
        raise ProblemError(422, f"{len(coded)} images are more than the {most_items} that are allowed.", field="images")
    images = []
    for number, text in enumerate(coded):
        name = "image" if said.image is not None else f"images.{number}"
        try:
            images.append(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError) as error:
            raise ProblemError(422, f"{name} is not valid base64 ({error}).", field=name) from error
    rest = said.model_dump(exclude={"image", "images"})
    return Body(images, Asked.model_validate(rest), [None] * len(images))


def _too_large(most: int) -> ProblemError:
    return ProblemError(
        413,
        f"the body is larger than the {most / 1e6:g} MB that are allowed.",
        field=BODY,
        headers={"Connection": "close"},
    )
