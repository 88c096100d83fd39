"""ComfyUI's builder of the graphs that a node expands to."""

from __future__ import annotations


class Node:
    def __init__(self, id, class_type, inputs):  # noqa: A002  the host's name
        self.id, self.class_type, self.inputs = id, class_type, inputs

    def out(self, index):
        return [self.id, index]


class GraphBuilder:
    def __init__(self):
        self.nodes = {}

    def node(self, class_type, **inputs):
        made = Node(f"1.0.0.{len(self.nodes) + 1}", class_type, inputs)
        self.nodes[made.id] = made
        return made

    def finalize(self):
        return {id_: {"class_type": node.class_type, "inputs": node.inputs} for id_, node in self.nodes.items()}
