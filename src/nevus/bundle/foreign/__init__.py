"""Somebody else's ONNX classifier as a bundle: the graph contract built round it."""

from nevus.bundle.foreign.imported import ImportedModel, import_onnx
from nevus.bundle.foreign.input_format import InputFormat

__all__ = ["ImportedModel", "InputFormat", "import_onnx"]
