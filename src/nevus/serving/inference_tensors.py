"""Tensors of the Open Inference Protocol v2: from JSON to arrays and files, and back."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from nevus.bundle import Metadata
from nevus.serving.errors import ProblemError


class Tensor(BaseModel):
    """An input; `data` flat or nested, row by row."""

    name: str = Field(max_length=100)
    shape: list[Annotated[int, Field(ge=0, le=2**31)]] = Field(max_length=8)
    datatype: Literal["UINT8", "FP32", "BYTES"]
    data: list[Any]
    parameters: dict[str, Any] = Field(default_factory=dict)


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
        found = np.array(tensor.data)
        if found.dtype.kind not in "iuf" or (kind.kind == "i" and found.dtype.kind == "f"):
            raise ValueError("numbers of another kind")
        return found.astype(kind).reshape(tensor.shape)
    except (ValueError, OverflowError) as error:
        raise ProblemError(
            400, f"the data of {tensor.name} are not {math.prod(tensor.shape)} numbers of the type {tensor.datatype}."
        ) from error


def tensor_files(image: Tensor, most: int) -> list[bytes]:
    """Whole files from BYTES [N] in base64, `most` of them at most.

    Raises:
        ProblemError: 400, they aren't.
    """
    if image.shape != [len(image.data)] or not 1 <= len(image.data) <= most:
        raise ProblemError(400, f"the input image must be BYTES [N] with N files, 1 to {most}.")
    files = []
    for number, text in enumerate(image.data):
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


def inference_answer(answer: dict[str, Any], outputs: Mapping[str, Any]) -> bytes:
    """The response's body: `answer` with its outputs, float arrays or lists of texts."""
    tensors = []
    for name, values in outputs.items():
        if isinstance(values, list):
            tensors.append({"name": name, "datatype": "BYTES", "shape": [len(values)], "data": values})
        else:
            flat = np.asarray(values, np.float64).ravel().tolist()
            tensors.append({"name": name, "datatype": "FP32", "shape": list(values.shape), "data": flat})
    return json.dumps(answer | {"outputs": tensors}, allow_nan=False).encode()
