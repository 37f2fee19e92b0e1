"""Which nodes of an ONNX graph a node or an output depends on."""

from __future__ import annotations

from typing import Any


class Lineage:
    """Over a graph whose nodes have distinct names and, as ONNX demands, stand in topological order."""

    def __init__(self, graph: Any) -> None:
        self._producer = {output: node.name for node in graph.node for output in node.output}
        self._inputs = {node.name: tuple(node.input) for node in graph.node}
        self._ancestors: dict[str, frozenset[str]] = {}
        for node in graph.node:
            parents = self.parents(node.name)
            self._ancestors[node.name] = parents.union(*(self._ancestors[p] for p in parents))

    def parents(self, node: str) -> frozenset[str]:
        """The nodes whose outputs a node takes."""
        return frozenset(self._producer[i] for i in self._inputs[node] if i in self._producer)

    def ancestors(self, node: str) -> frozenset[str]:
        """All nodes that a node depends on, without itself."""
        return self._ancestors[node]

    def ancestors_of_output(self, output: str) -> frozenset[str]:
        """All nodes that a graph's output depends on; empty where there is no such output."""
        node = self._producer.get(output)
        return frozenset() if node is None else self._ancestors[node] | {node}
