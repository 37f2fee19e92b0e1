"""The engines that run a bundle's graph; each has the same anatomy: a class with `load` and `run`."""

from nevus.bundle.runtimes.base import Outputs, Runtime
from nevus.bundle.runtimes.loading import load_runtime

__all__ = ["Outputs", "Runtime", "load_runtime"]
