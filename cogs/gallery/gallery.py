"""/gallery: a channel to which a server's starred pictures are reposted."""

import asyncio
import logging
from collections.abc import Sequence

import discord
from discord import app_commands, ui
from discord.ext import commands

from cogs.context import Interaction
from cogs.message_ref import MessageRef
from cogs.messages.encodings import Upload, encodings
from cogs.messages.removal import JobRemoval, try_delete
from cogs.messages.replies import reply
from cogs.messages.text import quoted, shortened
from cogs.policy.access import require_manager
from cogs.policy.audit import record
from cogs.policy.contexts import scope_of
from cogs.policy.gallery_channel import GALLERY_CHANNEL, choose_gallery
from cogs.policy.nsfw import Exposure, exposure_of, is_age_restricted, nsfw_policy
from cogs.policy.request_context import channel_language
from cogs.policy.visibility import is_wider_audience, jump_url
from engine import Job, Studio
from speech import say, use_language

log = logging.getLogger(__name__)

GALLERY_COLOUR = discord.Colour(0xF2C14E)


class Gallery(commands.Cog):
    """The command that chooses the gallery's channel, and reposting to it."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.describe(channel="Where to show starred pictures; nowhere if omitted")
    async def gallery(
        self,
        interaction: Interaction,
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

    async def repost(self, interaction: Interaction, job: Job) -> None:
        """Repost a job that was just starred, unless it was already or may not be."""
        message_ref = MessageRef.from_json(job.message_ref)
        guild = interaction.guild
        if guild is None or message_ref.guild_id != guild.id or message_ref.private:
            return
        scope = scope_of(interaction)
        chosen = await self._studio.preferences.get(scope, GALLERY_CHANNEL)
        channel = guild.get_channel(int(chosen)) if chosen and chosen.isdecimal() else None
        if not isinstance(channel, discord.TextChannel) or not _may_repost(
            guild, channel, message_ref
        ):
            return
        exposure = exposure_of(
            await self._studio.safety.verdicts(job.id),
            await nsfw_policy(interaction.client, guild.id),
            restricted=is_age_restricted(channel),
            privileged=False,
        )
        if exposure.withheld or not await self._studio.favourites.claim(scope, job.id, channel.id):
            return
        try:
            with use_language(await channel_language(interaction)):
                message = await _post(channel, job, message_ref, exposure)
        except (discord.HTTPException, OSError) as error:
            log.warning("Job %d couldn't be reposted to the gallery: %s", job.id, error)
            await self._studio.favourites.release(scope, job.id)
        else:
            async with interaction.client.services[JobRemoval].lock(job.id):
                stored = await self._studio.favourites.set_posted(scope, job.id, message.id)
            if not stored:  # the job was deleted meanwhile
                await try_delete(message)


def _may_repost(
    guild: discord.Guild, gallery: discord.TextChannel, message_ref: MessageRef
) -> bool:
    """Whether the gallery shows the pictures to no one who couldn't see their own message."""
    source = guild.get_channel_or_thread(message_ref.channel_id)
    if (
        message_ref.private
        or source is None
        or source.id == gallery.id
        or is_wider_audience(gallery, source)
    ):
        return False
    return gallery.is_nsfw() or not is_age_restricted(source)


async def _post(
    channel: discord.TextChannel, job: Job, message_ref: MessageRef, exposure: Exposure
) -> discord.Message:
    """Post the pictures in the best encoding that fits.

    Raises:
        discord.HTTPException: When Discord rejects them.
        OSError: When their files are gone, or too large in every encoding.
    """
    levels = encodings(job.pictures, channel.guild.filesize_limit)
    while (uploads := await asyncio.to_thread(next, levels, None)) is not None:
        try:
            return await channel.send(
                view=_gallery_view(job, message_ref, uploads, exposure),
                files=[upload.file() for upload in uploads],
                allowed_mentions=discord.AllowedMentions.none(),
                nonce=f"gallery-{job.id}",
            )
        except discord.HTTPException as error:
            if error.status != 413:
                raise
    raise OSError("its pictures are too large")


def _gallery_view(
    job: Job, message_ref: MessageRef, uploads: Sequence[Upload], exposure: Exposure
) -> ui.LayoutView:
    link = jump_url(message_ref)
    source = f" · {say('[view message]({link})', link=link)}" if link else ""
    alt = shortened(job.recipe.prompt, 200)
    items = [
        discord.MediaGalleryItem(
            f"attachment://{upload.name}", description=alt, spoiler=index in exposure.spoilered
        )
        for index, upload in enumerate(uploads)
    ]
    view = ui.LayoutView(timeout=None)
    view.add_item(
        ui.Container(
            ui.MediaGallery(*items),
            ui.TextDisplay(
                f"{quoted(job.recipe.prompt)}\n"
                f"-# ⭐ {say('by {owner}', owner=f'<@{job.owner}>')}{source}"
            ),
            accent_colour=GALLERY_COLOUR,
        )
    )
    return view
