"""The contents of a page of jobs: texts, thumbnails and menu options."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import discord

from cogs.markdown import escaped_line, shortened_markdown
from cogs.message_ref import MessageRef
from cogs.messages.cards import settings_line
from cogs.messages.encodings import Upload
from cogs.messages.text import shortened
from cogs.policy.nsfw import Exposure
from cogs.policy.visibility import jump_url
from engine import Job, thumbnail
from speech import phrase, say, say_many

PER_PAGE = 5
"""Jobs on a page: with three options each they fit a menu, and a message's 40 components."""

THUMBNAIL_SIDE = 256
"""Pixels of a thumbnail's longer side; Discord shows it at a third of that."""

MENU_LABELS = {
    "show": phrase("Show {number}: {prompt}"),
    "again": phrase("Paint {number} again: {prompt}"),
    "delete": phrase("Delete {number}: {prompt}"),
    "grid": phrase("Show grid {number}: {prompt}"),
}
"""The labels of menu options by verb."""


@dataclass(frozen=True, slots=True)
class JobListPage:
    """A page of a search's results.

    Attributes:
        search: The number of the search.
        index: The page, from 0 on.
        total: The number of jobs on all pages.
        jobs: The jobs of this page.
        own: The IDs of those that are the user's own.
        exposures: How the pictures of each are shown to the user, by ID.
        grids: How many pictures the grids have that are listed by their first cells, by its ID.
    """

    search: int
    index: int
    total: int
    jobs: tuple[Job, ...]
    own: frozenset[int]
    exposures: dict[int, Exposure]
    grids: Mapping[int, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """The number of pages."""
        return max(1, -(-self.total // PER_PAGE))


def thumbnails(page: JobListPage) -> list[Upload]:
    """Thumbnails of the pictures that may be shown. Blocks: call it in a thread."""
    candidates = (
        _thumbnail(job.pictures[0], str(job.id))
        for job in page.jobs
        if job.pictures and not page.exposures[job.id].withheld
    )
    return [upload for upload in candidates if upload is not None]


def job_entry(job: Job, grid_size: int | None = None) -> str:
    """The lines about a job, or about the grid of that many pictures of which it is a cell."""
    link = jump_url(MessageRef.from_json(job.message_ref))
    prompt = escaped_line(job.recipe.prompt, 120)
    facts = [
        say("job {number}", number=job.id)
        if grid_size is None or job.cell is None
        else say("grid {number}", number=job.cell.grid),
        f"<@{job.owner}>",
        f"<t:{int(job.created_at)}:R>",
        *([say("[view message]({link})", link=link)] if link else []),
    ]
    settings = [shortened_markdown(settings_line(job.recipe), 200)]
    if (count := grid_size or len(job.pictures)) > 1:
        settings.append(say_many("{number} picture", "{number} pictures", count))
    return f"**{prompt}**\n-# {' · '.join(facts)}\n-# {' · '.join(settings)}"


def menu_options(page: JobListPage) -> list[discord.SelectOption]:
    """The menu options for the jobs of the page, with values like `again:7`."""
    single = frozenset(job.id for job in page.jobs) - page.grids.keys()
    verbs = (("show", "🖼️", single), ("again", "🔁", single), ("delete", "🗑️", single & page.own))
    grids = [
        discord.SelectOption(
            label=shortened(
                say(MENU_LABELS["grid"], number=job.cell.grid, prompt=job.recipe.prompt), 100
            ),
            value=f"grid:{job.cell.grid}",
            emoji="🔲",
        )
        for job in page.jobs
        if job.id in page.grids and job.cell is not None
    ]
    return grids + [
        discord.SelectOption(
            label=shortened(say(MENU_LABELS[verb], number=job.id, prompt=job.recipe.prompt), 100),
            value=f"{verb}:{job.id}",
            emoji=emoji,
        )
        for verb, emoji, applicable in verbs
        for job in page.jobs
        if job.id in applicable
    ]


def _thumbnail(file: Path, name: str) -> Upload | None:
    """The picture in `file` as a small WebP called `name`; `None` when it is gone or damaged."""
    try:
        return Upload(f"{name}.webp", thumbnail(file, THUMBNAIL_SIDE))
    except (OSError, SyntaxError):
        return None
