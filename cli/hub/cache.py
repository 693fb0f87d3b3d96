"""`hub cache`: what is in the Hugging Face cache, and removing it."""

import time
from collections.abc import Mapping, Sequence

import typer
from rich.table import Table

from cli.console import out, tables
from cli.errors import CommandError
from cli.exits import Exit
from cli.hub.errors import hub_errors
from cli.hub.needs import needs
from cli.questions import BadAnswer, ask
from cli.settings import Settings
from engine import human_size
from engine.hub.cached import Cached, cached, remove_cached
from speech import say_many

DAY = 86_400

Needs = Mapping[str, Sequence[str]]


def show_cache(settings: Settings) -> None:
    """Print what is in the cache. Raises `StorageError`."""
    items = cached()
    if not items:
        out.print("The cache is empty.")
        return
    _print(items, needs(settings))
    out.print(f"{human_size(sum(each.size for each in items))} in all", style="dim")


def remove_from_cache(settings: Settings, names: Sequence[str], *, confirm: bool) -> None:
    """Remove what is named, or what the user chooses from a list.

    Args:
        settings: The settings.
        names: What to remove, as the list calls it; empty to choose.
        confirm: Whether to ask; what is needed isn't removed without.

    Raises:
        CommandError: When something isn't there or is needed, or the user cancels.
        StorageError: When the data folder is unusable.
    """
    items, needed = cached(), needs(settings)
    try:
        chosen = [_named(name, items) for name in names] if names else _choose(items, needed)
        for item in chosen:
            _check(item, needed, confirm=confirm)
        if not chosen:
            out.print("Nothing was removed.")
            return
        if confirm:
            size = human_size(sum(each.size for each in chosen))
            named = ", ".join(each.name for each in chosen)
            risky = any(_users(each, needed) for each in chosen)
            typer.confirm(f"Remove {named} ({size})?", default=not risky, abort=True)
    except BadAnswer as error:
        raise CommandError(Exit.MODEL, str(error)) from None
    except typer.Abort:
        raise CommandError(Exit.INTERRUPTED, "Nothing was removed.") from None
    with hub_errors():
        for item in chosen:
            out.print(f"✓ Removed {item.name}, freed {human_size(remove_cached(item))}.")


def _users(item: Cached, needed: Needs) -> Sequence[str]:
    return needed.get(item.name, ()) if item.kind == "model" else ()


def _check(item: Cached, needed: Needs, *, confirm: bool) -> None:
    """Say what needs it. Raises `CommandError` if nobody is there to be asked."""
    users = _users(item, needed)
    if not users:
        return
    what = f"“{item.name}” is needed by {', '.join(users)}"
    if not confirm:
        raise CommandError(
            Exit.MODEL,
            f"{what}. Remove that first with “models remove” or “loras remove” or from the "
            "settings, or run this without --yes and confirm.",
        )
    out.print(f"{what}, and would be downloaded again.", style="bold")


def _choose(items: Sequence[Cached], needed: Needs) -> list[Cached]:
    """Ask which of them. Raises `typer.Abort`."""
    if not items:
        return []
    _print(items, needed, numbered=True)

    def read(answer: str) -> list[Cached]:
        words = answer.replace(",", " ").split()
        return [_named(word, items) for word in dict.fromkeys(words)]

    return ask("Which? Numbers or names; Enter for none", read)


def _named(text: str, items: Sequence[Cached]) -> Cached:
    """The item of that name or number. Raises `BadAnswer`."""
    if text.isdecimal() and 1 <= int(text) <= len(items):
        return items[int(text) - 1]
    alike = [item for item in items if text.casefold() == item.name.casefold()]
    match [item for item in alike if item.name == text] or alike:
        case []:
            raise BadAnswer(f"There's no “{text}” in the cache. “hub cache” shows what is.")
        case [item]:
            return item
    raise BadAnswer(
        f"There are several “{text}” in the cache. Choose by its number, with “hub cache --remove”."
    )


def _print(items: Sequence[Cached], needed: Needs, *, numbered: bool = False) -> None:
    table = Table("", "name", "size", "last used", "needed by", box=None, pad_edge=False)
    for number, item in enumerate(items, start=1):
        notes = [item.kind] if item.kind != "model" else []
        notes += ["partly downloaded"] if item.partial else []
        table.add_row(
            str(number) if numbered else "",
            f"{item.name} ({', '.join(notes)})" if notes else item.name,
            human_size(item.size),
            _ago(item.last_used),
            ", ".join(_users(item, needed)),
        )
    tables.print(table)


def _ago(moment: float) -> str:
    days = int((time.time() - moment) // DAY)
    if moment <= 0:
        return "never"
    if days <= 0:
        return "today"
    return say_many("{number} day ago", "{number} days ago", days)
