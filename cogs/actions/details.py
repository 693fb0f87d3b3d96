"""A picture's settings as text, and sending a picture to a user's DMs."""

import asyncio
from pathlib import Path

import discord
from discord import ui

from cogs.context import Interaction
from cogs.markdown import fenced
from cogs.messages.delivery import DM_FORBIDDEN, NO_SHARED_SERVER, fresh_nonce
from cogs.messages.encodings import Upload, encodings
from cogs.policy.contexts import is_user_install
from cogs.policy.nsfw import exposure_in_dm
from engine import AtelierError, InvalidRequest, Parent
from speech import phrase, say

MAX_TEXT_LENGTH = 3800
"""Characters of settings in a message; Discord allows 4000 in all its text displays together."""

DM_CLOSED = phrase("I can't DM you. Allow direct messages in this server's privacy settings.")

DM_CLOSED_ELSEWHERE = phrase(
    "I can't DM you. Allow direct messages in the privacy settings of a server we share."
)
"""The same, where the bot isn't a member of this server."""

NO_SHARED_SERVER_TEXT = phrase(
    "I can't DM you because we don't share a server. Add me to your apps or join a server I'm "
    "in, then try again."
)

FILE_GONE = phrase("This picture's file is gone. “Again” paints a new version.")
WITHHELD = phrase("This picture is withheld. A moderator can release it.")


class NotDelivered(AtelierError):
    """The user can't receive DMs from the bot."""


def code_block(text: str, *items: ui.Item[ui.LayoutView]) -> ui.LayoutView:
    """The text in a code block, which nothing in it can end, with `items` below."""
    if len(text) > MAX_TEXT_LENGTH:
        text = text[: MAX_TEXT_LENGTH - 1] + "…"
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay(fenced(text)))
    for item in items:
        view.add_item(item)
    return view


async def send_to_dm(interaction: Interaction, picture: Parent) -> None:
    """Send the picture to you as a direct message.

    Raises:
        UnknownJob: When its job is gone.
        InvalidRequest: When its file is gone, or too large in every encoding.
        NotDelivered: When the user doesn't accept DMs, or shares no server with the bot.
    """
    await interaction.response.defer(ephemeral=True, thinking=True)
    job = await interaction.client.studio.job(picture.job_id)
    if not picture.number < len(job.pictures):
        raise InvalidRequest(say(FILE_GONE))
    exposure = await exposure_in_dm(interaction, job)
    if exposure.withheld:
        raise InvalidRequest(say(WITHHELD))
    upload = await asyncio.to_thread(_best_upload, job.pictures[picture.number])
    file = upload.file()
    file.spoiler = picture.number in exposure.spoilered
    text = say("Picture {picture} of job {job}", picture=picture.number + 1, job=job.id)
    try:
        await interaction.user.send(text, file=file, nonce=fresh_nonce())
    except discord.Forbidden as error:
        if error.code not in DM_FORBIDDEN:
            raise
        raise NotDelivered(_dm_failure(interaction, error.code)) from error
    await interaction.edit_original_response(content=say("Sent to your DMs."))


def _dm_failure(interaction: Interaction, code: int) -> str:
    """Why the bot couldn't DM the user, and what they can change."""
    if code == NO_SHARED_SERVER:
        return say(NO_SHARED_SERVER_TEXT)
    if interaction.guild_id is None or is_user_install(interaction):
        return say(DM_CLOSED_ELSEWHERE)
    return say(DM_CLOSED)


def _best_upload(file: Path) -> Upload:
    """The best encoding that fits into a DM. Blocks: call it in a thread."""
    try:
        uploads = next(encodings([file], discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES), None)
    except OSError as error:
        raise InvalidRequest(say(FILE_GONE)) from error
    if uploads is None:
        raise InvalidRequest(say("This picture is too large for a DM."))
    return uploads[0]
