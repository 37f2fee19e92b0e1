"""Engines: what runs the pipeline's steps."""

from nevus.pipeline.engines.base import Engine, Event, Listener, RunResult
from nevus.pipeline.engines.local import LocalEngine

__all__ = ["Engine", "Event", "Listener", "LocalEngine", "RunResult"]
