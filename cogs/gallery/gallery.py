"""/gallery: a channel in which a server's starred pictures are shown once."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import discord
from discord import app_commands, ui
from discord.ext import commands

from cogs.message_ref import MessageRef
from cogs.messages.cards import quoted, shortened
from cogs.messages.encodings import Upload, encodings
from cogs.messages.replies import reply
from cogs.policy.access import Refused, require_manager
from cogs.policy.audit import record
from cogs.policy.nsfw import Exposure, age_restricted, exposure_of, policy_of
from cogs.policy.permissions import title
from cogs.policy.visibility import jump_url, wider
from cogs.requests.submission import channel_language, scope_of
from engine import Job, Studio
from speech import AND, listed, say, speaking

if TYPE_CHECKING:
    from cogs.bot import Atelier

log = logging.getLogger(__name__)

CHANNEL = "gallery_channel"
"""The preference that holds the gallery's channel, by its id; empty when there is none."""

NEEDED = ("view_channel", "send_messages", "attach_files")

GOLD = discord.Colour(0xF2C14E)


class Gallery(commands.Cog):
    """Chooses the gallery of a server, and fills it."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._books: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        """By jobs; held while it is looked up, or written down, where one is shown."""

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.describe(channel="Where to show starred pictures; nowhere if omitted")
    async def gallery(
        self,
        interaction: "discord.Interaction[Atelier]",
        channel: discord.TextChannel | None = None,
    ) -> None:
        """Choose the channel that shows this server's starred pictures"""
        require_manager(interaction)
        await record(interaction, await choose_gallery(interaction, channel))
        if channel is None:
            await reply(interaction, say("Starred pictures are no longer reposted."))
        else:
            await reply(
                interaction,
                say(
                    "From now on, starred pictures are reposted in {channel}, once each. "
                    "Pictures from channels that fewer people can see aren't reposted.",
                    channel=channel.mention,
                ),
            )

    async def offer(self, interaction: "discord.Interaction[Atelier]", job: Job) -> None:
        """Show a job that somebody has just starred, unless it has been shown, or may not be."""
        message_ref = MessageRef.from_json(job.message_ref)
        guild = interaction.guild
        if guild is None or message_ref.guild_id != guild.id or message_ref.private:
            return
        scope = scope_of(interaction)
        chosen = await self._studio.preferences.get(scope, CHANNEL)
        channel = guild.get_channel(int(chosen)) if chosen else None
        if not isinstance(channel, discord.TextChannel) or not _may_show(
            guild, channel, message_ref
        ):
            return
        seen_as = exposure_of(
            await self._studio.safety.of(job.id),
            await policy_of(interaction.client, guild.id),
            restricted=age_restricted(channel),
            alone=False,
        )
        if seen_as.withheld or not await self._studio.favourites.claim(scope, job.id, channel.id):
            return
        try:
            with speaking(await channel_language(interaction)):
                message = await _show(channel, job, message_ref, seen_as)
        except (discord.HTTPException, OSError) as error:
            log.warning("Job %d cannot be shown in its gallery: %s", job.id, error)
            await self._studio.favourites.release(scope, job.id)
        else:
            async with self._book_of(job.id):
                kept = await self._studio.favourites.set_shown(scope, job.id, message.id)
            if not kept:  # deleted while it was being posted
                await _take_down(message)

    async def delete(
        self,
        interaction: "discord.Interaction[Atelier]",
        job_id: int,
        *,
        by: str | None,
        alone: bool = True,
    ) -> None:
        """Delete a job wherever it is; the arguments are those of `Studio.delete`.

        `alone` says whether the sheet that it is in, if it is in one, stays.
        """
        job = await self._studio.job(job_id)
        async with self._book_of(job_id):
            shown = await self._studio.favourites.shown(job_id)
            await self._studio.delete(job_id, by)
        if job.cell is not None and alone:
            await interaction.client.grids.without(job)
        for channel_id, message_id in shown:
            if message_id is not None:
                channel = interaction.client.get_partial_messageable(channel_id)
                await _take_down(channel.get_partial_message(message_id))

    def _book_of(self, job_id: int) -> asyncio.Lock:
        return self._books.setdefault(job_id, asyncio.Lock())


async def choose_gallery(
    interaction: "discord.Interaction[Atelier]", channel: discord.TextChannel | None
) -> str:
    """Show what is starred in `channel` from now on, or nowhere; what was done, for the log.

    Raises:
        Refused: When the bot cannot show pictures there.
    """
    if channel is not None:
        require_gallery_channel(channel)
    value = str(channel.id) if channel else ""
    await interaction.client.studio.preferences.set(scope_of(interaction), CHANNEL, value)
    if channel is None:
        return say("turned off reposting of starred pictures")
    return say("chose {channel} for starred pictures", channel=channel.mention)


def require_gallery_channel(channel: discord.TextChannel) -> None:
    """Raise `Refused` when the bot cannot show pictures in `channel`."""
    allowed = channel.permissions_for(channel.guild.me)
    missing = [title(name) for name in NEEDED if not getattr(allowed, name)]
    if missing:
        raise Refused(
            say(
                "I can't post pictures in {channel}. Someone who manages that channel needs to "
                "give me {permissions}.",
                channel=channel.mention,
                permissions=listed(missing, AND),
            )
        )


async def _take_down(message: discord.Message | discord.PartialMessage) -> None:
    with contextlib.suppress(discord.HTTPException):
        await message.delete()


def _may_show(guild: discord.Guild, gallery: discord.TextChannel, message_ref: MessageRef) -> bool:
    """Whether nobody sees in the gallery what they could not see at home."""
    source = guild.get_channel_or_thread(message_ref.channel_id)
    if message_ref.private or source is None or source.id == gallery.id or wider(gallery, source):
        return False
    return gallery.is_nsfw() or not age_restricted(source)


async def _show(
    channel: discord.TextChannel, job: Job, message_ref: MessageRef, seen_as: Exposure
) -> discord.Message:
    """Post the pictures, as good as they may be there.

    Raises:
        discord.HTTPException: When Discord does not take them.
        OSError: When their files are gone, or too large however they are encoded.
    """
    levels = encodings(job.pictures, channel.guild.filesize_limit)
    while (uploads := await asyncio.to_thread(next, levels, None)) is not None:
        try:
            return await channel.send(
                view=_frame(job, message_ref, uploads, seen_as),
                files=[upload.file() for upload in uploads],
                allowed_mentions=discord.AllowedMentions.none(),
                nonce=f"gallery-{job.id}",
            )
        except discord.HTTPException as error:
            if error.status != 413:
                raise
    raise OSError("its pictures are too large")


def _frame(
    job: Job, message_ref: MessageRef, uploads: Sequence[Upload], seen_as: Exposure
) -> ui.LayoutView:
    link = jump_url(message_ref)
    source = f" · {say('[view message]({link})', link=link)}" if link else ""
    alt = shortened(job.recipe.prompt, 200)
    items = [
        discord.MediaGalleryItem(
            f"attachment://{each.name}", description=alt, spoiler=place in seen_as.covered
        )
        for place, each in enumerate(uploads)
    ]
    view = ui.LayoutView(timeout=None)
    view.add_item(
        ui.Container(
            ui.MediaGallery(*items),
            ui.TextDisplay(
                f"{quoted(job.recipe.prompt)}\n"
                f"-# ⭐ {say('by {owner}', owner=f'<@{job.owner}>')}{source}"
            ),
            accent_colour=GOLD,
        )
    )
    return view
