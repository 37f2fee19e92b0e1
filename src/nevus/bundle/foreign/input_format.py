"""What a foreign graph wants as its input, and the nodes that make it from raw pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from nevus.bundle.errors import BundleError
from nevus.bundle.runtimes.base import IMAGE
from nevus.errors import InputError, require

Layout = Literal["nchw", "nhwc"]
Range = Literal["0..1", "0..255", "-1..1"]
Channels = Literal["rgb", "bgr"]

_SCALES: dict[Range, tuple[float, float]] = {"0..1": (255.0, 0.0), "0..255": (1.0, 0.0), "-1..1": (127.5, 1.0)}
"""Range -> (divisor, what is then taken off) for pixels 0..255."""


@dataclass(frozen=True)
class InputFormat:
    """How the graph was trained to see an image.

    input_range: of the pixels before mean and std are applied. mean, std: of each channel, in that range, in the
    order of `channels`. layout: None to read it off the graph's input shape.
    """

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    input_range: Range = "0..1"
    layout: Layout | None = None
    channels: Channels = "rgb"

    def __post_init__(self) -> None:
        if min(self.std) <= 0:
            raise InputError(f"std must be above 0 for each channel, not {self.std}.")


def preprocessing_nodes(
    form: InputFormat, layout: Layout, element_type: int, target: str
) -> tuple[list[Any], list[Any]]:
    """Nodes from `image` (uint8 [N,H,W,3]) to the tensor `target`, and their constants.

    Args:
        form: how the pixels are normalised.
        layout: of `target`.
        element_type: ONNX's code of `target`'s type, float or float16.
        target: the name of the foreign graph's input.
    """
    onnx = require("onnx", "training")
    divisor, offset = _SCALES[form.input_range]
    mean, std = np.array(form.mean) + offset, np.array(form.std)
    constants = {
        "nevus.scale": (1 / (divisor * std)).astype(np.float32),
        "nevus.shift": (-mean / std).astype(np.float32),
        "nevus.bgr": np.array([2, 1, 0], np.int64),
    }
    make = onnx.helper.make_node
    nodes = [make("Cast", [IMAGE], ["nevus.float"], to=onnx.TensorProto.FLOAT)]
    last = "nevus.float"
    if form.channels == "bgr":
        nodes.append(make("Gather", [last, "nevus.bgr"], ["nevus.reordered"], axis=3))
        last = "nevus.reordered"
    nodes.append(make("Mul", [last, "nevus.scale"], ["nevus.scaled"]))
    nodes.append(make("Add", ["nevus.scaled", "nevus.shift"], ["nevus.normalised"]))
    nodes.append(
        make("Transpose", ["nevus.normalised"], ["nevus.laid"], perm=[0, 3, 1, 2])
        if layout == "nchw"
        else make("Identity", ["nevus.normalised"], ["nevus.laid"])
    )
    nodes.append(make("Cast", ["nevus.laid"], [target], to=element_type))
    used = {name for node in nodes for name in node.input}
    return nodes, [onnx.numpy_helper.from_array(v, name) for name, v in constants.items() if name in used]


def read_layout(shape: list[int | None], wanted: Layout | None, height: int, width: int) -> Layout:
    """The layout of a foreign input of `shape` (None where a side is free), checked against what is known.

    Raises:
        BundleError: no image input, or one of another size.
    """
    if len(shape) != 4:
        raise BundleError(f"the model's input is {shape}; an image input has four axes.")
    layout: Layout | None = wanted
    if layout is None:
        if (shape[1] == 3) == (shape[3] == 3):
            raise BundleError(f"the layout can't be told from the input's shape {shape}; give --layout nchw or nhwc.")
        layout = "nchw" if shape[1] == 3 else "nhwc"
    channels, sides = (shape[1], shape[2:]) if layout == "nchw" else (shape[3], shape[1:3])
    if channels not in (3, None):
        raise BundleError(f"the model's input {shape} has {channels} channels in layout {layout}, not 3.")
    if any(side not in (given, None) for side, given in zip(sides, (height, width), strict=True)):
        raise BundleError(f"the model's input is fixed at {sides[0]} x {sides[1]} pixels, not {height} x {width}.")
    return layout
