"""Describing pictures: up to four prompts, each with a button that paints it."""

import contextlib
from collections.abc import Awaitable, Callable

import discord

from cogs.context import Interaction
from cogs.policy.access import require_postable_channel
from cogs.policy.privacy import reply_mode_of
from cogs.policy.request_context import request_context
from cogs.requests.attachments import require_picture, uploaded
from cogs.requests.written_prompts import PaintButton, written_view
from engine import ImageRequest, InvalidRequest, Parent, WordLists
from speech import say

Read = Callable[[], Awaitable[bytes]]
"""Fetches a picture."""


async def describe_attachment(
    interaction: Interaction,
    attachment: discord.Attachment,
    *,
    private: bool | None = None,
    quiet: bool = False,
) -> None:
    """Describe a picture that somebody attached; see `_describe`."""
    require_picture(attachment)

    async def read() -> bytes:
        async with uploaded(interaction, attachment) as data:
            return data

    await _describe(interaction, read, private=private, quiet=quiet)


async def describe_upload(interaction: Interaction, name: str) -> None:
    """Describe a stored upload, only for the user; see `_describe`."""

    async def read() -> bytes:
        return await interaction.client.studio.init_images.read(name)

    await _describe(interaction, read, quiet=True)


async def describe_finished(interaction: Interaction, picture: Parent) -> None:
    """Describe a picture of a job, only for the user; see `_describe`."""

    async def read() -> bytes:
        return await interaction.client.studio.init_images.read_finished(picture)

    await _describe(interaction, read, source=picture.job_id, quiet=True)


async def _describe(
    interaction: Interaction,
    read: Read,
    *,
    private: bool | None = None,
    source: int | None = None,
    quiet: bool = False,
) -> None:
    """Answer the interaction with prompts for a picture.

    Args:
        interaction: The interaction.
        read: Fetches the picture.
        private: The privacy that the user chose, if any.
        source: The job whose picture it is, if any; what is painted from it is as private.
        quiet: Whether only the user sees the answer in any case.

    Raises:
        AtelierError: When it can't be described; the text is for the user.
    """
    studio, context = interaction.client.studio, await request_context(interaction)
    await context.words.check()
    await studio.describer.require()
    reply_mode = await reply_mode_of(interaction, private=private, source=source)
    ephemeral = quiet or reply_mode.ephemeral
    await require_postable_channel(interaction, ephemeral=ephemeral)
    await interaction.response.defer(thinking=True, ephemeral=ephemeral)
    prompts = await studio.describer.describe(read, context.owner)
    shown = [prompt for prompt in prompts if await _is_allowed(context.words, prompt)]
    if not shown:
        raise InvalidRequest(
            say("What this picture shows can't be said in words that are allowed in this server.")
        )
    buttons = [
        PaintButton(number, private=reply_mode.private, label=say("Paint {number}", number=number))
        for number in range(1, len(shown) + 1)
    ]
    numbered = [(f"**{number}**", prompt) for number, prompt in enumerate(shown, start=1)]
    text = say("What the picture shows. A button paints the prompt of its number:")
    await interaction.edit_original_response(
        view=written_view(text, numbered, buttons),
        allowed_mentions=discord.AllowedMentions.none(),
    )


async def _is_allowed(words: WordLists, prompt: str) -> bool:
    """Whether the prompt has none of the words that the server blocks."""
    with contextlib.suppress(InvalidRequest):
        await words.check(ImageRequest(prompt=prompt))
        return True
    return False
