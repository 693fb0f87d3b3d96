"""Which functions of `cogs` one of them leads to, found in the code without running it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from types import FunctionType, MethodType
from typing import Any

from cogs import Atelier
from cogs.messages.dynamic_items import ActionRegistry


@cache
def reached(bot: Atelier, start: Callable[..., Any]) -> frozenset[str]:
    """The functions that `start` may call, itself or through others, as `module.name`.

    Names are looked up as they are when it runs: `self` is the object that a method is bound to,
    `interaction.client` is the bot, the rest are the module's names. What is only known while it
    runs (a local variable, an attribute of the engine's) leads nowhere. Of a table of functions
    every one counts.
    """
    seen: dict[tuple[FunctionType, int], str] = {}
    waiting = [start]
    while waiting:
        function, owner = _unbound(waiting.pop())
        if (function, id(owner)) not in seen:
            seen[function, id(owner)] = f"{function.__module__}.{function.__qualname__}"
            waiting += _named_in(bot, function, owner)
    return frozenset(seen.values())


def _unbound(function: Callable[..., Any]) -> tuple[FunctionType, object]:
    if isinstance(function, MethodType):
        found, _ = _unbound(function.__func__)
        return found, function.__self__
    assert isinstance(function, FunctionType), function
    return function, None


@cache
def _parsed(function: FunctionType) -> ast.Module:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


def _named_in(bot: Atelier, function: FunctionType, owner: object) -> Iterator[Callable[..., Any]]:
    tree = _parsed(function)
    names = _locals(bot, tree, function, {"self": owner})
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=registry, attr="run"), args=[ast.expr() as verb, *_]
            ):
                actions = _looked_up(bot, registry, function, names)
                name = _looked_up(bot, verb, function, names)
                if isinstance(actions, ActionRegistry):
                    yield actions[name or ast.literal_eval(verb)]
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            found = _looked_up(bot, node, function, names)
            values = found.values() if isinstance(found, Mapping) else (found,)
            yield from filter(_ours, map(_filled, values))


def _locals(
    bot: Atelier, tree: ast.Module, function: FunctionType, names: dict[str, object]
) -> dict[str, object]:
    """What local names stand for, as in `desk = interaction.client.submission`, or None."""
    known = dict(names)
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                known.setdefault(name, None)
    for node in ast.walk(tree):
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Attribute() | ast.Subscript() as value
            ):
                known[name] = _looked_up(bot, value, function, known)
    return known


def _looked_up(
    bot: Atelier, node: ast.expr, function: FunctionType, names: Mapping[str, object]
) -> Any:
    match node:
        case ast.Name(id=name):
            return names[name] if name in names else function.__globals__.get(name)
        case ast.Attribute(value=ast.Name(id="interaction"), attr="client"):
            return bot
        case ast.Subscript(value=ast.Attribute(attr="services"), slice=ast.Name(id=name)):
            return bot.services[function.__globals__[name]]
        case ast.Attribute(value=value, attr=name):
            holder = _looked_up(bot, value, function, names)
            static = inspect.getattr_static(holder, name, None)
            if isinstance(holder, ActionRegistry):
                return None  # what it runs depends on the verb
            if not isinstance(static, property):  # looking up runs nothing
                return getattr(holder, name, None)
    return None


def _filled(found: object) -> Any:
    """The function to which some arguments have been given already."""
    return found.func if isinstance(found, partial) else found


def _ours(found: object) -> bool:
    return inspect.isroutine(found) and (getattr(found, "__module__", None) or "").startswith(
        "cogs."
    )
