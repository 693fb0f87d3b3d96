"""Checks against Discord's own OpenAPI document, where it lies next to the repository.

Nearly every body is right, which `jsonschema_rs` tells fifty times as fast as `jsonschema`. What is
wrong with the others is told by the latter, which is given a better way to compare unions.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from .errors import Json, Problem

DOCUMENT = Path(__file__).resolve().parents[3] / "shared" / "discord" / "openapi.json"
URI = "urn:discord"


def _union(validator: Any, branches: list[Json], instance: Any, schema: Json) -> Iterator[Any]:
    """`anyOf` and `oneOf`: Discord's unions are told apart by `type`, so look only there.

    This is faster, and its complaint is about the branch that was meant.
    """
    fitting = list(branches)
    if isinstance(instance, dict) and "type" in instance:
        meant = [each for each in branches if _type_allows(validator, each, instance["type"])]
        fitting = meant or fitting
    complaints: list[ValidationError] = []
    for branch in fitting:
        errors = list(validator.descend(instance, branch))
        if not errors:
            return
        complaints += errors
    if len(fitting) == 1:
        yield from complaints
    else:
        text = f"{instance!r:.200} fits none of the forms Discord takes"
        yield ValidationError(text, context=complaints)


def _type_allows(validator: Any, branch: Json, kind: Any) -> bool:
    if "$ref" in branch:
        branch = validator._resolver.lookup(branch["$ref"]).contents
    enum = branch.get("properties", {}).get("type", {}).get("enum")
    return enum is not None and kind in enum


class BodyValidators(NamedTuple):
    """Those of one kind of body."""

    quick: jsonschema_rs.Draft202012Validator
    thorough: Validator


BodyValidator: Any = extend(Draft202012Validator, {"anyOf": _union, "oneOf": _union})


class OpenApi:
    """Discord's description of its HTTP API; validators are made when a route is first used."""

    def __init__(self, document: Json) -> None:
        self.paths: Json = document["paths"]
        schemas = document["components"]["schemas"]
        # Discord takes ids as numbers too, and discord.py sends them so.
        schemas["SnowflakeType"] = {"type": ["string", "integer"]}
        resource = DRAFT202012.create_resource(document)
        self._registry: Registry[Any] = Registry().with_resource(URI, resource)
        any_fits = json.loads(json.dumps(document).replace('"oneOf":', '"anyOf":'))
        self._quick_registry = jsonschema_rs.Registry([(URI, any_fits)])
        self._validators: dict[tuple[str, ...], BodyValidators | None] = {}

    @classmethod
    @functools.cache
    def load(cls) -> OpenApi | None:
        """The document, read once; None where it is not."""
        if not DOCUMENT.exists():
            return None
        return cls(json.loads(DOCUMENT.read_text(encoding="utf-8")))

    def request_problems(self, method: str, path: str, body: Any) -> list[Problem]:
        """What a request body has that Discord's schema does not allow."""
        return self._problems(body, method, path, "requestBody")

    def answer_problems(self, method: str, path: str, status: int, body: Any) -> list[Problem]:
        """The same for an answer of this server: it must look like Discord's."""
        return self._problems(body, method, path, "responses", str(status))

    def _problems(self, body: Any, method: str, path: str, *where: str) -> list[Problem]:
        key = (method, path, *where)
        if key not in self._validators:
            self._validators[key] = self._compile(method, path, where)
        validators = self._validators[key]
        if validators is None or validators.quick.is_valid(body):
            return []
        return [_problem(error) for error in validators.thorough.iter_errors(body)]

    def _compile(self, method: str, path: str, where: tuple[str, ...]) -> BodyValidators | None:
        place = self.paths.get(path, {}).get(method.lower(), {})
        for step in where:
            place = place.get(step, {})
        schema = place.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return None
        rooted = json.dumps(schema).replace('"#/', f'"{URI}#/')
        return BodyValidators(
            jsonschema_rs.Draft202012Validator(
                json.loads(rooted.replace('"oneOf":', '"anyOf":')), registry=self._quick_registry
            ),
            BodyValidator(json.loads(rooted), registry=self._registry),
        )


def _problem(error: ValidationError) -> Problem:
    deepest = best_match([error]) or error
    return Problem(tuple(deepest.absolute_path), "OPENAPI", deepest.message[:300])
