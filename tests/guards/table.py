"""All guards, in the order in which one follows them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from cogs import Atelier
from tests.command_reference import COMMAND

from . import commands, families, sentences, settings


@dataclass(frozen=True, slots=True)
class Guard:
    """Something that has to follow the program.

    Attributes:
        title: What has to follow.
        remedy: What to do about anything that is missing.
        check: Finds what is missing, given a bot with all its features.
    """

    title: str
    remedy: str
    check: Callable[[Atelier], Awaitable[Iterable[str]]]

    async def missing(self, bot: Atelier) -> list[str]:
        """What is missing; a check that breaks has found something that it doesn't know."""
        try:
            return list(await self.check(bot))
        except Exception as error:
            return [f"the check breaks: {error!r}"]

    def report(self, missing: Iterable[str]) -> str:
        """What to tell about it."""
        return "\n".join([f"{self.title}: {self.remedy}", *(f"  {each}" for each in missing)])


GUARDS = (
    Guard(
        "/help",
        "set who can use it in AUDIENCES (cogs/about/command_list.py)",
        commands.audiences,
    ),
    Guard(
        "Words for requirements",
        "add them to DEMANDS or LIMITS (tests/command_reference/requirements.py)",
        commands.requirements,
    ),
    Guard(
        "Sentences",
        "say them with say(), or list them in ALLOWED (tests/speech/allowed.py)",
        sentences.unsaid,
    ),
    Guard(
        "Translations",
        "run python -m tests.speech and fill in what is empty in speech/*.po",
        sentences.untranslated,
    ),
    Guard("docs/commands.md", f"run {COMMAND}", commands.outdated),
    Guard(
        "Manual",
        "describe them on these pages",
        commands.undocumented,
    ),
    Guard("Tour", "edit the stops in tests/cogs/tour/", commands.unvisited),
    Guard(
        "config.example.toml",
        "list every setting with its default, below a line on what it's for",
        settings.missing_in_example,
    ),
    Guard(
        "Settings in the manual",
        "list them with their defaults on these pages",
        settings.undocumented,
    ),
    Guard(
        "Settings that name files",
        "make them a FileSource (engine/settings.py), so that `hub cache` keeps what they name, or "
        "list them in PLAIN_TEXTS (tests/guards/settings.py)",
        settings.unmarked,
    ),
    Guard(
        "Families",
        "follow “Adding a family” in CONTRIBUTING.md",
        families.incomplete,
    ),
)
