"""What a page of an album shows: its jobs in words, in small pictures, and as choices."""

from dataclasses import dataclass

import discord

from cogs.gallery.thumbnails import thumbnail
from cogs.message_ref import MessageRef
from cogs.messages.cards import settings_line
from cogs.messages.encodings import Upload
from cogs.messages.text import shortened
from cogs.policy.nsfw import Exposure
from cogs.policy.visibility import jump_url
from engine import Job
from speech import phrase, say, say_many

PER_PAGE = 5
"""Jobs on a page: with three choices each they fit the 25 of a menu, and 40 components."""

HIDDEN = phrase("A picture from a channel you can't see from here")

CHOICES = {
    "show": phrase("Show {number}: {prompt}"),
    "again": phrase("Paint {number} again: {prompt}"),
    "delete": phrase("Delete {number}: {prompt}"),
}
"""What can be done with a job, as a choice in the menu."""


@dataclass(frozen=True, slots=True)
class JobListPage:
    """A page of what a search finds.

    Attributes:
        search: The search's number.
        index: Which page, from 0 on.
        total: How many jobs there are on all pages.
        jobs: Those of this page.
        mine: Which of them may be deleted by whoever asked.
        visible: Which of them whoever asked may see.
        exposures: How the pictures of each are shown to them.
    """

    search: int
    index: int
    total: int
    jobs: tuple[Job, ...]
    mine: frozenset[int]
    visible: frozenset[int]
    exposures: dict[int, Exposure]

    @property
    def count(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.total // PER_PAGE))


def thumbnails(page: JobListPage) -> list[Upload]:
    """Small copies of what may be seen. Blocks: call it in a thread."""
    made = (
        thumbnail(job.pictures[0], str(job.id))
        for job in page.jobs
        if job.id in page.visible and job.pictures and not page.exposures[job.id].withheld
    )
    return [upload for upload in made if upload is not None]


def entry(job: Job, *, visible: bool, withheld: bool) -> str:
    """The lines about a job; about one that is not `visible`, that it is hidden."""
    if not visible:
        return f"-# {say(HIDDEN)}"
    link = jump_url(MessageRef.from_json(job.message_ref))
    prompt = discord.utils.escape_markdown(shortened(job.recipe.prompt, 120))
    facts = [
        say("job {number}", number=job.id),
        f"<@{job.owner}>",
        f"<t:{int(job.created_at)}:R>",
        *([say("[view message]({link})", link=link)] if link else []),
    ]
    made = [shortened(settings_line(job.recipe), 200)]
    if (count := len(job.pictures)) > 1:
        made.append(say_many("{number} picture", "{number} pictures", count))
    if withheld:
        made.append(f"🔒 {say('withheld')}")
    return f"**{prompt}**\n-# {' · '.join(facts)}\n-# {' · '.join(made)}"


def options(page: JobListPage) -> list[discord.SelectOption]:
    """What can be done with the jobs of the page, each a value like `again:7`."""
    verbs = (
        ("show", "🖼️", page.visible),
        ("again", "🔁", page.visible),
        ("delete", "🗑️", page.mine),
    )
    return [
        discord.SelectOption(
            label=shortened(say(CHOICES[verb], number=job.id, prompt=job.recipe.prompt), 100),
            value=f"{verb}:{job.id}",
            emoji=emoji,
        )
        for verb, emoji, whose in verbs
        for job in page.jobs
        if job.id in whose
    ]
