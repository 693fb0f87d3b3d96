"""The head of a model card, and what the Hub says of it."""

import re
from typing import Any

import yaml

LICENCES = frozenset(
    {
        *("apache-2.0", "mit", "openrail", "creativeml-openrail-m", "openrail++", "cc0-1.0"),
        *("cc-by-4.0", "cc-by-nc-4.0", "other", "unknown"),
    }
)
"""Some of the identifiers that the Hub takes."""

HEAD = re.compile(r"\A---\r?\n(.*?)\r?\n---(?:\r?\n|\Z)", re.DOTALL)
REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


def head_of(card: str) -> dict[str, Any]:
    """The YAML above a card; empty without any. Raises `yaml.YAMLError`."""
    match = HEAD.match(card)
    return (yaml.safe_load(match[1]) or {}) if match else {}


def errors_in(card: str) -> list[str]:
    """What the Hub would not take."""
    try:
        head = head_of(card)
    except yaml.YAMLError as error:
        return [f"not YAML: {error}"]
    found = []
    licence = head.get("license")
    if licence is not None and licence not in LICENCES:
        found.append('"license" must be one of [apache-2.0, mit, …]')
    if licence == "other" and not head.get("license_name"):
        found.append('"license_name" is required')
    base = head.get("base_model", [])
    if not all(REPOSITORY.fullmatch(each) for each in ([base] if isinstance(base, str) else base)):
        found.append('"base_model" must be a model id')
    tags = head.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(each, str) for each in tags):
        found.append('"tags" must be an array of strings')
    if not all(isinstance(each.get("text"), str) for each in head.get("widget", [])):
        found.append('"widget[0].text" must be a string')
    return found
