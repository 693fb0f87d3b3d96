"""The graph that ComfyUI executed: nodes whose inputs are values or links to other nodes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.images.metadata.values import Json

MAX_NODES = 5000
MAX_VISITS = 2000
"""Nodes that one walk looks at."""


@dataclass(frozen=True, slots=True)
class Link:
    """One output of a node."""

    node: str
    slot: int


@dataclass(frozen=True, slots=True)
class Node:
    """A node by its id, with its class and its inputs."""

    id: str
    kind: str
    inputs: Json

    def link(self, key: str) -> Link | None:
        """The output that is connected to an input."""
        return link_of(self.inputs.get(key))

    def links(self) -> Iterator[tuple[str, Link]]:
        """All inputs that are connected."""
        for key, value in self.inputs.items():
            if (link := link_of(value)) is not None:
                yield key, link


def link_of(value: object) -> Link | None:
    """The link that a value is: the id of a node, and the number of its output."""
    if not isinstance(value, list) or len(value) != 2 or isinstance(value[1], bool):
        return None
    if not isinstance(value[0], (str, int)) or not isinstance(value[1], int):
        return None
    return Link(str(value[0]), value[1])


class Graph:
    """The nodes by their ids."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.nodes = nodes

    @classmethod
    def of(cls, value: Json) -> "Graph | None":
        """The graph of ComfyUI's API format; `None` if it isn't one."""
        nested = value.get("prompt")
        if isinstance(nested, dict):
            value = nested
        nodes = {
            str(key): Node(str(key), str(node["class_type"])[:100], node["inputs"])
            for key, node in list(value.items())[:MAX_NODES]
            if isinstance(node, dict)
            and isinstance(node.get("class_type"), str)
            and isinstance(node.get("inputs"), dict)
        }
        return cls(nodes) if nodes else None

    def upstream(self, start: Node) -> Iterator[Node]:
        """What `start` is made from, the nearest first."""
        seen, waiting = {start.id}, [start]
        while waiting and len(seen) < MAX_VISITS:
            node = waiting.pop(0)
            for _, link in node.links():
                source = self.nodes.get(link.node)
                if source is not None and source.id not in seen:
                    seen.add(source.id)
                    waiting.append(source)
                    yield source

    def source(self, node: Node, *keys: str) -> Node | None:
        """The node that is connected to the first of these inputs that has one."""
        for key in keys:
            link = node.link(key)
            if link is not None and link.node in self.nodes:
                return self.nodes[link.node]
        return None

    def value(self, node: Node, *keys: str) -> object:
        """The value of the first of these inputs that has one, followed through links."""
        for key in keys:
            value = node.inputs.get(key)
            for _ in range(20):
                link = link_of(value)
                if link is None:
                    break
                source = self.nodes.get(link.node)
                value = None if source is None else _primitive(source, key)
            if value is not None and link_of(value) is None:
                return value
        return None


def _primitive(node: Node, key: str) -> object:
    """What a node gives that holds a number or a name for others."""
    plain = ("value", "int", "float", "number", "Number", "seed", "noise_seed", "Value")
    for name in (key, *plain):
        if name in node.inputs:
            return node.inputs[name]
    return next(iter(node.inputs.values()), None) if len(node.inputs) == 1 else None
