"""A picture's settings as text, and a picture as a direct message."""

import asyncio
from pathlib import Path

import discord
from discord import ui

from cogs.context import Interaction
from cogs.messages.delivery import CANNOT_WRITE, NO_SHARED_SERVER
from cogs.messages.encodings import Upload, encodings
from cogs.policy.contexts import is_user_install
from cogs.policy.nsfw import exposure_in_dm
from engine import AtelierError, InvalidRequest, Parent
from speech import phrase, say

MOST_TEXT = 3800
"""Characters of settings in a message; Discord allows 4000 in all its text displays."""

CLOSED = phrase("I can't DM you. Allow direct messages in this server's privacy settings.")

CLOSED_ELSEWHERE = phrase(
    "I can't DM you. Allow direct messages in the privacy settings of a server we share."
)
"""The same, where this server is none that the bot is in."""

STRANGERS = phrase(
    "I can't DM you because we don't share a server. Add me to your apps or join a server I'm "
    "in, then try again."
)

GONE = phrase("This picture's file is gone. “Again” paints a new version.")
WITHHELD = phrase("This picture is withheld. A moderator can release it.")


class NotDelivered(AtelierError):
    """A direct message does not reach the person."""


def code_block(text: str, *items: ui.Item[ui.LayoutView]) -> ui.LayoutView:
    """The text as it is, in a block that nothing in it ends, with `items` below."""
    if len(text) > MOST_TEXT:
        text = text[: MOST_TEXT - 1] + "…"
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay(f"```\n{text.replace('```', chr(39) * 3)}\n```"))
    for item in items:
        view.add_item(item)
    return view


async def send_to_dm(interaction: Interaction, picture: Parent) -> None:
    """Send the picture to whoever asked, and tell them so.

    Raises:
        UnknownJob: When its job is gone.
        InvalidRequest: When its file is gone, or too large in any form.
        NotDelivered: When they let nobody write to them, or share no server with the bot.
    """
    await interaction.response.defer(ephemeral=True, thinking=True)
    job = await interaction.client.studio.job(picture.job_id)
    if not picture.number < len(job.pictures):
        raise InvalidRequest(say(GONE))
    showing = await exposure_in_dm(interaction, job)
    if showing.withheld:
        raise InvalidRequest(say(WITHHELD))
    upload = await asyncio.to_thread(_fitting, job.pictures[picture.number])
    file = upload.file()
    file.spoiler = picture.number in showing.covered
    words = say("Picture {picture} of job {job}", picture=picture.number + 1, job=job.id)
    try:
        await interaction.user.send(words, file=file)
    except discord.Forbidden as error:
        if error.code not in CANNOT_WRITE:
            raise
        raise NotDelivered(_why(interaction, error.code)) from error
    await interaction.edit_original_response(content=say("Sent to your DMs."))


def _why(interaction: Interaction, code: int) -> str:
    """Why the bot could not write to them, and what they can change."""
    if code == NO_SHARED_SERVER:
        return say(STRANGERS)
    if interaction.guild_id is None or is_user_install(interaction):
        return say(CLOSED_ELSEWHERE)
    return say(CLOSED)


def _fitting(file: Path) -> Upload:
    """The best encoding that a direct message takes. Blocks: call it in a thread."""
    try:
        uploads = next(encodings([file], discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES), None)
    except OSError as error:
        raise InvalidRequest(say(GONE)) from error
    if uploads is None:
        raise InvalidRequest(say("This picture is too large for a DM."))
    return uploads[0]
