"""Where a request is answered: its deferred answer, its message, and the limits that apply."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import discord

from cogs.context import Interaction
from cogs.markdown import escaped_line
from cogs.message_ref import MessageRef
from cogs.messages.replies import reply
from cogs.policy.access import require_postable_channel
from cogs.policy.limits import Limits
from cogs.policy.privacy import ReplyMode, reply_mode_of
from cogs.policy.request_context import channel_language, request_context, settings_in
from cogs.requests.user_install import require_downloaded, require_few_jobs, require_in_time
from engine import ImageRequest, Parent, Requester, ignored_flags, words_only
from speech import current_language, join_list, say


async def defer(
    interaction: Interaction,
    *,
    private: bool | None = None,
    source: int | None = None,
) -> None:
    """Show “… is thinking”, to everyone or, if the answer is private, only to the user.

    Args:
        interaction: The interaction.
        private: The privacy that the user chose for this request, if any.
        source: The job that the request is made from.

    Raises:
        Refused: When the bot can't post pictures there.
        UnknownJob: When the source is gone, or the user may not see it.
    """
    reply_mode = await reply_mode_of(interaction, private=private, source=source)
    await require_postable_channel(interaction, ephemeral=reply_mode.ephemeral)
    await interaction.response.defer(thinking=True, ephemeral=reply_mode.ephemeral)


async def defer_for(
    interaction: Interaction,
    requests: Sequence[ImageRequest],
    *,
    private: bool | None = None,
    source: int | None = None,
    as_one: bool = False,
) -> None:
    """Show “… is thinking”, unless the requests are refused: their start image costs more.

    Args:
        interaction: The interaction.
        requests: What to paint, as far as it's known without the start image.
        private: The privacy that the user chose for this request, if any.
        source: The job that the request is made from.
        as_one: Whether they are the cells of a grid.

    Raises:
        AtelierError: As `defer` and `Studio.submit_all` do, but not for a review.
    """
    plain = [replace(request, image=None, mask=None, strength=None) for request in requests]
    requester = await requester_of(interaction)
    await interaction.client.studio.check_all(plain, requester, as_one=as_one)
    await defer(interaction, private=private, source=source)


async def note_ignored_flags(interaction: Interaction, prompt: str) -> None:
    """Tell the user, once they have an answer, what in `prompt` means more to other programs."""
    notes = []
    if flags := ignored_flags(prompt):
        notes.append(say("Ignored, since only Midjourney has it: {flags}.", flags=join_list(flags)))
    if parts := words_only(prompt):
        shown = join_list([escaped_line(part) for part in parts])
        notes.append(
            say(
                "Painted as plain words, since I don't switch words or join prompts while "
                "painting: {parts}.",
                parts=shown,
            )
        )
    if text := "\n".join(notes):
        with suppress(discord.HTTPException):  # the answer is there; this is only a note
            await reply(interaction, text)


async def reply_mode_for_jobs(
    interaction: Interaction, jobs: int, *, private: bool | None = None
) -> ReplyMode:
    """How an interaction with several jobs is answered. Raises `Refused` for too many jobs."""
    reply_mode = await reply_mode_of(interaction, private=private)
    if reply_mode.user_install and not reply_mode.dm:
        require_few_jobs(jobs)
    return reply_mode


async def requester_of(
    interaction: Interaction,
    message_ref: MessageRef | None = None,
    parent: Parent | None = None,
) -> Requester:
    """The user as the requester of jobs, with the limits that apply to them."""
    context = await request_context(interaction)
    settings = settings_in(context)
    return Requester(
        owner=context.owner,
        scope=context.scope,
        message_ref=message_ref.to_json() if message_ref else None,
        rate_limits=interaction.client.services[Limits].rate_limits(
            interaction.user, settings.pictures_per_hour, settings.roles
        ),
        parent=parent,
        act=interaction.id,
        context=context,
    )


async def message_ref_for(
    interaction: Interaction,
    reply_mode: ReplyMode,
    requests: Sequence[ImageRequest] = (),
) -> MessageRef:
    """A reference to the message that will answer the interaction.

    Raises:
        Refused: When the bot can't post pictures there, or `requests` would take longer than it
            can edit that message.
    """
    await require_postable_channel(interaction, ephemeral=reply_mode.ephemeral)
    if reply_mode.user_install and not reply_mode.private and requests:
        studio, requester = interaction.client.studio, await requester_of(interaction)
        require_downloaded(await studio.missing(requests, requester))
        require_in_time(await studio.forecast(requests, requester))
    language = current_language() if reply_mode.private else await channel_language(interaction)
    return MessageRef.of(
        interaction, language, private=reply_mode.private, token_only=reply_mode.token_only
    )


async def message_ref_of_click(
    interaction: Interaction, message_ref: MessageRef
) -> MessageRef | None:
    """A reference to the clicked message, which the click's new token can edit.

    `None` if the result was sent to the user's DMs in the meantime; a reply links to it.
    """
    if not message_ref.token_only:
        await reply(interaction, say("It's in your DMs: {link}", link=message_ref.link))
        return None
    await interaction.response.defer()
    assert interaction.message is not None, "a button is on a message"
    here = MessageRef.of(
        interaction, message_ref.language, private=message_ref.private, token_only=True
    )
    return here.with_message(interaction.message.id)
