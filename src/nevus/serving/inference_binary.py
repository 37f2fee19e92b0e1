"""The protocol's binary tensors: after the JSON, whose length a header tells, come the tensors' bytes one by one.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/extension_binary_data.md
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nevus.serving.errors import ProblemError

EXTENSION = "binary_tensor_data"
HEADER = "Inference-Header-Content-Length"
MEDIA_TYPE = "application/octet-stream"
SIZE = "binary_data_size"


def split_body(data: bytes, json_length: str | None) -> tuple[bytes, bytes]:
    """The JSON and what follows it; `json_length` as the header says it, None where all is JSON.

    Raises:
        ProblemError: 400, the header isn't a number of bytes within the body.
    """
    if json_length is None:
        return data, b""
    length = int(json_length) if json_length.isdecimal() and len(json_length) < 16 else -1
    if not 0 < length <= len(data):
        raise ProblemError(400, f"{HEADER} must be the length of the JSON at the body's beginning, in bytes.")
    return data[:length], data[length:]


def binary_parts(tail: bytes, sizes: Sequence[tuple[str, Any]]) -> list[bytes]:
    """The bytes of each tensor.

    Args:
        tail: what follows the JSON.
        sizes: name and `binary_data_size` of the inputs that have one, in their order.

    Raises:
        ProblemError: 400, the sizes aren't those of the parts of `tail`.
    """
    found: list[bytes] = []
    place = 0
    for name, size in sizes:
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= len(tail) - place:
            raise ProblemError(400, f"{SIZE} of {name} is not a number of bytes that follow the JSON.")
        found.append(tail[place : place + size])
        place += size
    if place != len(tail):
        raise ProblemError(400, f"{len(tail) - place} bytes follow the JSON that no input's {SIZE} names.")
    return found


def unpacked(raw: bytes) -> list[bytes] | None:
    """The elements of BYTES: each has its length before it, in four bytes, the lowest first. None where it's not so."""
    found = []
    place = 0
    while place < len(raw):
        if len(raw) - place < 4:
            return None
        (length,) = struct.unpack_from("<I", raw, place)
        place += 4
        if length > len(raw) - place:
            return None
        found.append(raw[place : place + length])
        place += length
    return found


def packed(values: Any) -> bytes:
    """An output's bytes: float32, the lowest byte first, or texts each with its length before it."""
    if isinstance(values, list):
        texts = [text.encode() for text in values]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return np.ascontiguousarray(values, "<f4").tobytes()


def asks_binary(parameters: Mapping[str, Any], of_output: Mapping[str, Any]) -> bool:
    """Whether an output is to come as bytes: as it says itself, else as the whole request says."""
    return of_output.get("binary_data", parameters.get("binary_data_output")) is True
