"""HTML, one element at a time."""

from __future__ import annotations

from html import escape

VOID = ("img", "br", "hr")
"""Elements that hold nothing."""


def element(name: str, *inner: str, **attributes: str | None) -> str:
    """An HTML element.

    Args:
        name: Its name.
        inner: What it holds, as HTML: text must have been through `text`.
        attributes: Escaped here. An underscore after a name is dropped (`class_`), one within is
            a hyphen; an attribute that is None is left out.
    """
    listed = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{listed}>" + ("" if name in VOID else f"{''.join(inner)}</{name}>")


def text(value: str) -> str:
    """A text that stays text."""
    return escape(value)


def div(class_: str, *inner: str) -> str:
    """A box."""
    return element("div", *inner, class_=class_)


def span(class_: str, *inner: str) -> str:
    """A piece of a line."""
    return element("span", *inner, class_=class_)
