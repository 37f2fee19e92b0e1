"""What is built round a foreign graph, and putting both together."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Shell:
    """Nodes ahead of and after the foreign ones, their constants, the one input and the outputs."""

    image: Any
    before: list[Any] = field(default_factory=list)
    after: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)

    def enclose(self, model: Any) -> None:
        """Turn `model` into the foreign graph within this shell; traces of where it was made are left out."""
        graph = model.graph
        inner = [copy.deepcopy(node) for node in graph.node]
        named = {tensor.name for tensor in graph.initializer}
        kept = [copy.deepcopy(value) for value in graph.input if value.name in named]
        for part, values in (
            (graph.node, [*self.before, *inner, *self.after]),
            (graph.input, [self.image, *kept]),
            (graph.output, self.outputs),
        ):
            del part[:]
            part.extend(values)
        graph.initializer.extend(self.constants)
        model.doc_string = graph.doc_string = ""
        del model.metadata_props[:]
        for node in graph.node:
            del node.metadata_props[:]
            node.doc_string = ""
