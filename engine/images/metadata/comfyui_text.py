"""The words behind an input of ComfyUI's sampler: through conditioning, down to the texts."""

from engine.images.metadata.comfyui_graph import Graph, Link, Node, link_of
from engine.images.metadata.values import text

TEXT_KEYS = (
    *("text", "text_g", "text_l", "t5xxl", "clip_l", "clip_g", "llama", "prompt", "string"),
    *("wildcard_text", "populated_text", "value", "String", "Text"),
    *("string_a", "string_b", "text_a", "text_b", "text_c", "text_d", "text1", "text2"),
)
"""Inputs that hold words."""

PASSED = ("conditioning", "cond", "positive", "negative", "pipe", "any", "input")
"""Beginnings of inputs whose conditioning or text is passed on."""

NO_WORDS = ("ConditioningZeroOut",)
"""Classes that make nothing of the words given to them."""

MAX_VISITS = 300
MAX_PARTS = 50


def prompt_at(graph: Graph, link: Link | None, side: str) -> str:
    """The prompt at a link; `side` is `positive` or `negative`."""
    parts: list[str] = []
    _collect(graph, link, side, set(), parts)
    return ", ".join(dict.fromkeys(part for part in parts if part))


def _collect(
    graph: Graph, link: Link | None, side: str, seen: set[tuple[str, int]], parts: list[str]
) -> None:
    waiting = [link]
    while waiting and len(seen) < MAX_VISITS and len(parts) < MAX_PARTS:
        at = waiting.pop(0)
        node = graph.nodes.get(at.node) if at else None
        if at is None or node is None or (at.node, at.slot) in seen or node.kind in NO_WORDS:
            continue
        seen.add((at.node, at.slot))
        inner = _inputs(node, at.slot, side)
        for value in inner:
            if isinstance(value, str):
                parts.append(text(value))
        waiting[:0] = [found for value in inner if (found := link_of(value))]


def _inputs(node: Node, slot: int, side: str) -> list[object]:
    """The inputs of a node that its output takes its words from."""
    both = [key for key in ("positive", "negative") if key in node.inputs]
    if len(both) == 2:
        # Two in, two out in the same order, as of ControlNet; loaders have the model first.
        linked = node.link("positive") is not None
        return [node.inputs[("positive", "negative")[slot] if linked and slot < 2 else side]]
    words = [node.inputs[key] for key in TEXT_KEYS if key in node.inputs]
    if words:
        return words
    return [value for key, value in node.inputs.items() if key.lower().startswith(PASSED)]
