"""What is said in the sources and in templates of pages, and what is said without being said."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment
from jinja2.ext import extract_from_ast

ROOT = Path(__file__).parents[2]
TEMPLATES = {"say": 1, "say_many": 2, "phrase": 1}
"""What marks sentences for the catalogues, with how many templates it takes."""

UNSEEN_CALLS = re.compile(
    r"^(log\.\w+|re\.compile|logging\.getLogger|Field|app_commands\.describe|tasks\.start|TypeVar|getattr|cast)$"
)
"""Calls whose text no member sees so: it goes to the log, names something, or Discord has it
translated."""

UNSEEN_ERRORS = frozenset(
    {"ValueError", "TypeError", "RuntimeError", "KeyError", "LookupError"}
    | {"Unreachable", "Rejected", "Unreadable"}
)
"""Errors whose text only the log has; of those that are bugs, people see a number."""

SEEN_KEYWORDS = frozenset(
    {"label", "title", "placeholder", "description", "text", "content", "reason"}
)
"""Arguments by which texts come into messages and modals, be they only a word."""

SEEN_CALLS = re.compile(r"^(reply|noted|shortened|(ui\.)?TextDisplay|Refused|InvalidRequest)$")
"""Calls that show their positional arguments to people, be they only a word."""

WORD = re.compile(r"[A-Za-z]{2}")
LABEL = re.compile(r"^[A-Z][a-z]+[.!…]?$")


class Said(NamedTuple):
    """A template, or both of what is counted, and its place."""

    templates: tuple[str, ...]
    file: str
    line: int


class Unsaid(NamedTuple):
    """Text for people that is not said, and its place."""

    text: str
    file: str
    line: int


def sources(*folders: str) -> list[Path]:
    """The Python files in these folders of the repository, sorted."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def said(*folders: str) -> Iterator[Said]:
    """Everything that is marked for the catalogues.

    Raises:
        ValueError: When a template is put together at run time.
    """
    for path in _pages(*folders):
        yield from _said_in_page(path)
    for path in sources(*folders):
        file = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or _called(node) not in TEMPLATES:
                continue
            arguments = node.args[: TEMPLATES[_called(node)]]
            if not isinstance(arguments[0], ast.Constant | ast.JoinedStr | ast.BinOp | ast.IfExp):
                continue  # it was a phrase
            texts = [each.value for each in arguments if isinstance(each, ast.Constant)]
            if len(texts) != len(arguments) or not all(isinstance(text, str) for text in texts):
                raise ValueError(f"{file}:{node.lineno}: a template has to be a literal")
            yield Said(tuple(map(str, texts)), file, node.lineno)


def _pages(*folders: str) -> list[Path]:
    """The templates of HTML in these folders of the repository, sorted."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.html"))


def _said_in_page(path: Path) -> Iterator[Said]:
    tree = Environment().parse(path.read_text(encoding="utf-8"))
    file = path.relative_to(ROOT).as_posix()
    for line, name, found in extract_from_ast(tree, tuple(TEMPLATES)):
        texts = (found if isinstance(found, tuple) else (found,))[: TEMPLATES[name]]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError(f"{file}:{line}: a template has to be a literal")
        yield Said(tuple(map(str, texts)), file, line)


def unsaid(path: Path) -> Iterator[Unsaid]:
    """The texts in a file that look as if a member saw them, and are not said."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    file = path.relative_to(ROOT).as_posix()
    for text, line, seen in _texts(tree, seen=False):
        if (WORD.search(text) and (seen or " " in text)) or LABEL.match(text):
            yield Unsaid(text, file, line)


def unsaid_errors(path: Path, errors: frozenset[str]) -> Iterator[Unsaid]:
    """The texts in a file that are raised as one of `errors` and are not said."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    file = path.relative_to(ROOT).as_posix()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in errors:
            for argument in node.args:
                for text, line, _ in _texts(argument, seen=True):
                    if WORD.search(text):
                        yield Unsaid(text, file, line)


def _texts(node: ast.AST, *, seen: bool) -> Iterator[tuple[str, int, bool]]:
    """The literals below `node`, the gaps in f-strings as `{}`, and whether each is surely seen."""
    match node:
        case ast.Constant(value=str(text)):
            yield text, node.lineno, seen
        case ast.JoinedStr():
            parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
            yield "".join(map(str, parts)), node.lineno, seen
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    yield from _texts(part.value, seen=False)
        case ast.Call():
            yield from _call_texts(node)
        case ast.Raise(exc=ast.Call(func=ast.Name(id=name))) if name in UNSEEN_ERRORS:
            return
        case ast.Assert():
            yield from _texts(node.test, seen=False)
        case ast.Expr(value=ast.Constant()):
            return  # a docstring
        case ast.Compare() | ast.Subscript() | ast.AnnAssign(value=None) | ast.MatchValue():
            return  # identifiers and stored values
        case ast.AnnAssign(value=ast.expr() as value):
            yield from _texts(value, seen=False)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            for child in node.body:
                yield from _texts(child, seen=False)
        case ast.Dict():
            for value in node.values:
                yield from _texts(value, seen=False)
        case _:
            inside = seen and isinstance(node, ast.IfExp | ast.BoolOp | ast.BinOp)
            for below in ast.iter_child_nodes(node):
                yield from _texts(below, seen=inside)


def _call_texts(node: ast.Call) -> Iterator[tuple[str, int, bool]]:
    name = _called(node)
    if UNSEEN_CALLS.match(name):
        return
    yield from _texts(node.func, seen=False)
    for argument in node.args[TEMPLATES.get(name, 0) :]:
        yield from _texts(argument, seen=bool(SEEN_CALLS.match(name)))
    for keyword in node.keywords:
        yield from _texts(keyword.value, seen=keyword.arg in SEEN_KEYWORDS)


def _called(node: ast.Call) -> str:
    """What is called: `say`, `log.info`; of longer chains the last two names."""
    match node.func:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name):
            return f"{owner.removeprefix('_')}.{name}"
        case _:
            return ""
