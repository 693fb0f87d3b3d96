"""The source text of the installed Diffusers' pipelines: their classes, calls, and families.

Nothing is imported or run, so whoever has no torch can ask, and a name in a stranger's
`model_index.json` can't do more than not be found.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CLASS = re.compile(r"^class (\w+)\(([^)]*)\)", re.MULTILINE)

FOLDERS = ("modular_pipelines", "pipelines")
"""Of Diffusers' package, those with pipelines; what a later one has counts."""

DEPRECATED = "deprecated"
"""The folder of pipelines that Diffusers no longer tests."""


def bases_of(name: str) -> Iterator[str]:
    """The classes that the class `name` is made from, near and far."""
    for base in _bases(name):
        yield base
        yield from bases_of(base)


def is_deprecated(name: str) -> bool:
    """Whether Diffusers has put that class aside."""
    return DEPRECATED in _classes()[name][0].parts


@cache
def pipeline_modules() -> frozenset[str]:
    """Names of Diffusers' own pipeline modules, which some components are from."""
    return frozenset(one.name for one in (_package() / "pipelines").iterdir() if one.is_dir())


def attribute_of(name: str, attribute: str) -> Any:
    """The plain value of a class's attribute, its own or inherited; `None` if there is none."""
    definition = definition_of(name)
    for node in definition.body if definition is not None else ():
        match node:
            case ast.Assign(targets=[ast.Name(found)], value=ast.Constant(value)) if (
                found == attribute
            ):
                return value
    inherited = (attribute_of(base, attribute) for base in _bases(name))
    return next((value for value in inherited if value is not None), None)


def docstring_of(name: str) -> str:
    """The docstring of a class; empty if it has none."""
    definition = definition_of(name)
    return (ast.get_docstring(definition) or "") if definition is not None else ""


def docstrings_beside(name: str) -> Iterator[str]:
    """The docstrings of the classes in the module of the class `name`."""
    if name in _classes():
        for node in ast.parse(_classes()[name][0].read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                yield ast.get_docstring(node) or ""


def texts_beside(name: str) -> Iterator[str]:
    """The source texts in the folder of the class `name`."""
    if name in _classes():
        for file in sorted(_classes()[name][0].parent.glob("*.py")):
            yield file.read_text("utf-8")


@cache
def definition_of(name: str) -> ast.ClassDef | None:
    """The definition of the class `name`; `None` if no pipeline's module has it."""
    if name not in _classes():
        return None
    tree = ast.parse(_classes()[name][0].read_text("utf-8"))
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    return next((node for node in classes if node.name == name), None)


def call_of(name: str) -> ast.FunctionDef | None:
    """The `__call__` of a class, its own or inherited."""
    return _method(name, "__call__")


def components_of(name: str) -> tuple[str, ...]:
    """What the constructor of a class takes: its components and settings."""
    constructor = _method(name, "__init__")
    return tuple(arguments_of(constructor)) if constructor is not None else ()


def arguments_of(call: ast.FunctionDef) -> dict[str, Any]:
    """The arguments but `self`, with defaults that are plain values; `None` for all others."""
    return {
        name: default.value if isinstance(default, ast.Constant) else None
        for name, default in _defaults(call)
    }


def required_by(call: ast.FunctionDef) -> list[str]:
    """The arguments without a default."""
    return [name for name, default in _defaults(call) if default is None]


def returned_by(call: ast.FunctionDef) -> str:
    """What a function returns, as source text."""
    returns = (node.value for node in ast.walk(call) if isinstance(node, ast.Return))
    return "\n".join(ast.unparse(value) for value in returns if value is not None)


def asks_whether_given(call: ast.FunctionDef, argument: str) -> bool:
    """Whether a function has an `argument is not None`."""
    return any(
        isinstance(node, ast.Compare)
        and isinstance(node.left, ast.Name)
        and node.left.id == argument
        and isinstance(node.ops[0], ast.IsNot)
        for node in ast.walk(call)
    )


def assigned_number(name: str, attribute: str) -> int | None:
    """The whole number that a class gives to `self.attribute`, at least where nothing else tells.

    `None` if there is none.
    """
    definition = definition_of(name)
    for node in ast.walk(definition) if definition is not None else ():
        match node:
            case ast.Assign(
                targets=[ast.Attribute(attr=found)],
                value=ast.Constant(int(number)) | ast.IfExp(orelse=ast.Constant(int(number))),
            ) if found == attribute:
                return number
    return None


def siblings_of(name: str) -> Mapping[str, str]:
    """By the name of each of Diffusers' maps of tasks, its class for the weights of `name`."""
    maps = _task_maps()
    kinds = [kind for entries in maps.values() for kind, one in entries.items() if one == name]
    return {
        task: entries[kind]
        for kind in kinds[:1]
        for task, entries in maps.items()
        if kind in entries
    }


def _defaults(call: ast.FunctionDef) -> list[tuple[str, ast.expr | None]]:
    """The arguments but `self`, with their defaults."""
    plain, defaults = call.args.args[1:], call.args.defaults
    missing: list[ast.expr | None] = [None] * (len(plain) - len(defaults))
    return [
        *zip((each.arg for each in plain), [*missing, *defaults], strict=True),
        *zip((each.arg for each in call.args.kwonlyargs), call.args.kw_defaults, strict=True),
    ]


def _method(name: str, method: str) -> ast.FunctionDef | None:
    """A method of a class, its own or inherited."""
    definition = definition_of(name)
    for node in definition.body if definition is not None else ():
        if isinstance(node, ast.FunctionDef) and node.name == method:
            return node
    inherited = (_method(base, method) for base in _bases(name))
    return next((found for found in inherited if found is not None), None)


def _bases(name: str) -> tuple[str, ...]:
    return _classes()[name][1] if name in _classes() else ()


@cache
def _task_maps() -> Mapping[str, Mapping[str, str]]:
    """Diffusers' maps from a kind of model to the class for a task, by their names."""
    maps: dict[str, dict[str, str]] = {}
    for node in ast.walk(
        ast.parse((_package() / "pipelines" / "auto_pipeline.py").read_text("utf-8"))
    ):
        if not isinstance(node, ast.Assign) or "PIPELINES_MAPPING" not in ast.unparse(node):
            continue
        match node.targets[0], node.value:
            case ast.Name(name), ast.Call(args=[ast.List(elts=entries)]):
                maps[name] = {
                    kind: pipeline for entry in entries for kind, pipeline in [_entry(entry)]
                }
            case ast.Subscript(value=ast.Name(name), slice=ast.Constant(kind)), ast.Name(pipeline):
                maps[name][str(kind)] = pipeline
            case _:
                pass
    return maps


def _entry(node: ast.expr) -> tuple[str, str]:
    match node:
        case ast.Tuple(elts=[ast.Constant(kind), ast.Name(pipeline)]):
            return str(kind), pipeline
    raise ValueError(f"Diffusers' maps have another form: {ast.unparse(node)}")


@cache
def _classes() -> Mapping[str, tuple[Path, tuple[str, ...]]]:
    """The file and the bases of each class of a pipeline's module."""
    return {
        match[1]: (file, tuple(re.findall(r"\w+", match[2])))
        for folder in FOLDERS
        for file in sorted(
            (_package() / folder).rglob("*.py"), key=lambda file: DEPRECATED not in file.parts
        )
        for match in CLASS.finditer(file.read_text("utf-8"))
    }


@cache
def _package() -> Path:
    found = find_spec("diffusers")
    origin = found.origin if found is not None else None
    assert origin is not None, "Diffusers is a dependency"
    return Path(origin).parent
