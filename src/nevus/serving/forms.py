"""Forms with many files, read within limits; what is larger than a megabyte lies on the disk meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from nevus.serving.errors import BODY, ProblemError

_SLOWEST = 100_000.0
"""Bytes a second; a body that stays behind this rate for longer than the request's time is given up."""
_MOST_TEXT = 4_000_000


@dataclass
class Form:
    """files: field -> those of this name, in their order. texts: field -> the last one of this name."""

    files: dict[str, list[UploadFile]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def files_of(self, *names: str) -> list[UploadFile]:
        """The files of these fields."""
        return [file for name in names for file in self.files.get(name, [])]

    async def close(self) -> None:
        """Let go of what lies on the disk."""
        for files in self.files.values():
            for file in files:
                await file.close()


async def read_form(
    request: Request, known: Mapping[str, type], *, most_bytes: int, most_files: int, seconds: float
) -> Form:
    """A `multipart/form-data` body.

    Args:
        request: whose body wasn't read yet.
        known: field -> `UploadFile` or `str`; another field is refused.
        most_bytes: of the whole body.
        most_files: of all fields together.
        seconds: how long the body may lag behind a slow line.

    Raises:
        ProblemError: 400 no form, 408 too slow, 413 too large, 422 too many files, a field that isn't known, or a text
            that isn't UTF-8.
    """
    stream = _limited(request, most_bytes, seconds)
    parser = _Utf8Parser(request.headers, stream, max_files=most_files, max_fields=len(known), max_part_size=_MOST_TEXT)
    try:
        parsed = await parser.parse()
    except MultiPartException as error:
        if "Too many files" in error.message:
            first = next(iter(known))
            raise ProblemError(422, f"there are more than the {most_files} files allowed.", field=first) from error
        raise ProblemError(400, f"the form can't be read: {error.message}", field=BODY) from error
    except (KeyError, UnicodeError, LookupError) as error:  # no boundary, or a charset that isn't one
        raise ProblemError(400, "the form can't be read: its content type is damaged.", field=BODY) from error
    form = Form()
    for name, value in parsed.multi_items():
        kind = known.get(name)
        if isinstance(value, UploadFile):
            form.files.setdefault(name, []).append(value)
        else:
            form.texts[name] = value
        if kind is None or isinstance(value, UploadFile) != (kind is UploadFile):
            await form.close()
            raise ProblemError(422, f"the form has {_told(name, value)}; {_wanted(known)}.", field=name[:80] or BODY)
    return form


class _Utf8Parser(MultiPartParser):
    """Refuses texts that aren't UTF-8, which Starlette would take for Latin-1."""

    def on_part_begin(self) -> None:
        super().on_part_begin()
        self._charset = "utf-8"  # whatever the content type says: one text has one spelling

    def on_part_end(self) -> None:
        part = self._current_part
        if part.file is None:
            try:
                part.data.decode()
            except UnicodeDecodeError:
                field = part.field_name[:80] or BODY
                raise ProblemError(422, f"{field} is not UTF-8 (RFC 7578).", field=field) from None
        super().on_part_end()


def _told(name: str, value: UploadFile | str) -> str:
    return f"a {'file' if isinstance(value, UploadFile) else 'text'} in the field {name[:80]!r}"


def _wanted(known: Mapping[str, type]) -> str:
    return ", ".join(f"{name} is a {'file' if kind is UploadFile else 'text'}" for name, kind in known.items())


async def _limited(request: Request, most_bytes: int, seconds: float) -> AsyncGenerator[bytes, None]:
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > most_bytes:
        raise _too_large(most_bytes)
    loop = asyncio.get_running_loop()
    began, size = loop.time(), 0
    stream = request.stream().__aiter__()
    while True:
        try:
            async with asyncio.timeout_at(began + seconds + size / _SLOWEST):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise ProblemError(408, "the body comes too slowly.", headers={"Connection": "close"}, field=BODY) from None
        size += len(chunk)
        if size > most_bytes:
            raise _too_large(most_bytes)
        yield chunk


async def read_upload(request: Request, *, most_bytes: int, seconds: float) -> bytes:
    """A whole body that isn't a form, within the same limits.

    Raises:
        ProblemError: 408 too slow, 413 too large.
    """
    return b"".join([chunk async for chunk in _limited(request, most_bytes, seconds)])


def _too_large(most: int) -> ProblemError:
    return ProblemError(
        413,
        f"the body is larger than the {most / 1e6:g} MB that are allowed.",
        field=BODY,
        headers={"Connection": "close"},
    )
