"""Sentences about invalid settings: the key, the value and what's allowed.

What's allowed is read from the JSON schema of the settings.
"""

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails

Schema = Mapping[str, Any]
Path = tuple[str, ...]

MAX_SHOWN = 60
"""Characters of an invalid value that are shown."""

NAMES = {"boolean": "true or false", "integer": "a whole number", "number": "a number"}


def path_of(error: ErrorDetails) -> Path:
    """The keys that lead to the invalid value, without list indexes."""
    return tuple(str(part) for part in error["loc"] if isinstance(part, str) and part != "[key]")


def sentence_of(error: ErrorDetails, root: Schema) -> str:
    """What's wrong and what's allowed.

    Args:
        error: pydantic's error.
        root: The JSON schema of all settings.
    """
    path = path_of(error)
    match error["type"]:
        case "extra_forbidden":
            return unknown(path, list(_node(path[:-1], root).get("properties", {})))
        case "missing":
            what = _node(path, root).get("description", "")
            return f"[{'.'.join(path[:-1])}] needs {path[-1]}. {what}".rstrip()
    if "[key]" in error["loc"]:
        return (
            f"[{'.'.join(path)}] isn't valid: {_own_words(error) or 'the name must be a number'}."
        )
    node = _node(path, root)
    said = f"{'.'.join(path)} is {_shown(error['input'], node)}."
    if words := _own_words(error):
        return f"{said} {words}"
    if "properties" in node or "additionalProperties" in node:
        return f"{said} It must be a section with keys."
    if node.get("type") == "string" and not {"enum", "maxLength"} & node.keys():
        return f"{said} {node['description']}"
    return f"{said} Allowed: {allowed(node)}."


def unknown(path: Path, known: Sequence[str]) -> str:
    """A sentence for a setting that doesn't exist, with the closest known name."""
    near = difflib.get_close_matches(path[-1], known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
    what = "section" if len(path) == 1 else "setting"
    return f"unknown {what} {'.'.join(path)}. {hint}"


def allowed(node: Schema) -> str:
    """The allowed values."""
    if "anyOf" in node:
        return " or ".join(allowed(x) for x in node["anyOf"] if x.get("type") != "null")
    if "enum" in node:
        return "one of " + ", ".join(node["enum"])
    if "const" in node:
        return json.dumps(node["const"])
    if node["type"] == "array":
        return "a list of numbers, such as [123, 456]"
    if node["type"] == "string":
        return f"text of {node.get('minLength', 0)} to {node['maxLength']} characters"
    return NAMES[node["type"]] + _bounds(node)


def _bounds(node: Schema) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if low is None:
        return ""
    return f" from {low:g}" + (f" to {high:g}" if high is not None else " up")


def _node(path: Path, root: Schema) -> Schema:
    """The schema at `path`; empty if there is none."""
    node = root
    for part in path:
        below = node.get("properties", {}).get(part) or node.get("additionalProperties") or {}
        if "$ref" in below:
            below = {**below, **root["$defs"][below["$ref"].rpartition("/")[2]]}
        elif "anyOf" in below:
            others = {key: value for key, value in below.items() if key != "anyOf"}
            choices = [x for x in below["anyOf"] if x.get("type") != "null"]
            below = {**choices[0], **others} if len(choices) == 1 else below
        node = below
    return node


def _shown(value: Any, node: Schema) -> str:
    if node.get("writeOnly"):
        return "(not shown)"
    from cli.logs import without_secrets  # it takes a while to import

    # A token may be in the wrong line.
    text = without_secrets(json.dumps(value, ensure_ascii=False, default=str), ())
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


def _own_words(error: ErrorDetails) -> str:
    """The message of one of our own validators."""
    reason = error.get("ctx", {}).get("error")
    return str(reason) if error["type"] == "value_error" else ""
