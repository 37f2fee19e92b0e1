"""Tensors of the Open Inference Protocol v2: from JSON or bytes to arrays and files, and back."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, PrivateAttr

from nevus.bundle import Metadata
from nevus.serving.errors import ProblemError
from nevus.serving.inference_binary import SIZE, binary_parts, packed, split_body, unpacked

_TYPES = {"UINT8": "u1", "FP32": "<f4"}


class Tensor(BaseModel):
    """An input; `data` flat or nested, row by row, or absent where its bytes follow the JSON."""

    name: str = Field(max_length=100)
    shape: list[Annotated[int, Field(ge=0, le=2**31)]] = Field(max_length=8)
    datatype: Literal["UINT8", "FP32", "BYTES"]
    data: list[Any] | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    _raw: bytes | None = PrivateAttr(default=None)


class Requested(BaseModel):
    """An output that is asked for."""

    name: str = Field(max_length=100)
    parameters: dict[str, Any] = Field(default_factory=dict)


class InferenceRequest(BaseModel):
    """The body of `infer`."""

    id: str | None = Field(default=None, max_length=200)
    inputs: list[Tensor] = Field(min_length=1, max_length=2)
    outputs: list[Requested] | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)


def read_request(body: bytes, json_length: str | None) -> InferenceRequest:
    """The request in a body, with the bytes that follow its JSON in their tensors.

    Raises:
        ValidationError: the JSON isn't a request.
        ProblemError: 400, an input has no data, or the bytes aren't those that the inputs name.
    """
    said, tail = split_body(body, json_length)
    found = InferenceRequest.model_validate_json(said)
    binary = [tensor for tensor in found.inputs if SIZE in tensor.parameters]
    for tensor in found.inputs:
        if (tensor.data is None) is not (SIZE in tensor.parameters):
            raise ProblemError(400, f"the input {tensor.name} needs either data or {SIZE}.")
    parts = binary_parts(tail, [(tensor.name, tensor.parameters[SIZE]) for tensor in binary])
    for tensor, part in zip(binary, parts, strict=True):
        tensor._raw = part
    return found


def inlined_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Its JSON schema without references, which would lead out of where it is put."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})

    def resolved(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return resolved(parts[node["$ref"].rpartition("/")[2]])
            return {key: resolved(value) for key, value in node.items()}
        return [resolved(item) for item in node] if isinstance(node, list) else node

    found: dict[str, Any] = resolved(schema)
    return found


def tensor_array(tensor: Tensor, kind: np.dtype[Any]) -> NDArray[Any]:
    """The data as an array of the tensor's shape.

    Raises:
        ProblemError: 400, they aren't so many numbers of that kind.
    """
    try:
        if tensor._raw is not None:
            return np.frombuffer(tensor._raw, _TYPES[tensor.datatype]).reshape(tensor.shape)
        found = np.array(tensor.data)
        if found.dtype.kind not in "iuf" or (kind.kind == "i" and found.dtype.kind == "f"):
            raise ValueError("numbers of another kind")
        return found.astype(kind).reshape(tensor.shape)
    except (ValueError, OverflowError) as error:
        raise ProblemError(
            400, f"the data of {tensor.name} are not {math.prod(tensor.shape)} numbers of the type {tensor.datatype}."
        ) from error


def tensor_files(image: Tensor, most: int) -> list[bytes]:
    """Whole files from BYTES [N], as they are or in base64 in JSON, `most` of them at most.

    Raises:
        ProblemError: 400, they aren't.
    """
    given = unpacked(image._raw) if image._raw is not None else image.data
    if given is None or image.shape != [len(given)] or not 1 <= len(given) <= most:
        raise ProblemError(400, f"the input image must be BYTES [N] with N files, 1 to {most}.")
    if image._raw is not None:
        return given
    files = []
    for number, text in enumerate(given):
        try:
            files.append(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError, TypeError) as error:
            raise ProblemError(400, f"image {number} is not the base64 of a file.") from error
    return files


def stated_metadata(parameters: Mapping[str, Any]) -> Metadata:
    """Age, sex and site from a request's parameters.

    Raises:
        ProblemError: 400, of another kind.
    """
    age, sex, site = (parameters.get(name) for name in ("age", "sex", "site"))
    if isinstance(age, bool) or not isinstance(age, int | float | None):
        raise ProblemError(400, "the parameter age must be a number of years.")
    if not isinstance(sex, str | None) or not isinstance(site, str | None):
        raise ProblemError(400, "the parameters sex and site must be texts.")
    return Metadata(age, sex, site)


def inference_answer(
    answer: dict[str, Any], outputs: Mapping[str, Any], binary: Collection[str] = ()
) -> tuple[bytes, int | None]:
    """The response's body: `answer` with its outputs, float arrays or lists of texts.

    Args:
        answer: the rest of the JSON.
        outputs: by name.
        binary: names of those whose bytes follow the JSON.

    Returns:
        The body, and the length of its JSON; None where it's nothing else.
    """
    tensors: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for name, values in outputs.items():
        texts = isinstance(values, list)
        shape = [len(values)] if texts else list(values.shape)
        tensor: dict[str, Any] = {"name": name, "datatype": "BYTES" if texts else "FP32", "shape": shape}
        if name in binary:
            parts.append(packed(values))
            tensor["parameters"] = {SIZE: len(parts[-1])}
        else:
            tensor["data"] = values if texts else np.asarray(values, np.float64).ravel().tolist()
        tensors.append(tensor)
    said = json.dumps(answer | {"outputs": tensors}, allow_nan=False).encode()
    return b"".join((said, *parts)), len(said) if parts else None
