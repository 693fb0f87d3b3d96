"""Editing in conversation: a reply to a picture that mentions the bot says what to change.

Discord shows the bot the text of messages that mention it, without the message content intent.
"""

import re
from functools import partial

import discord
from discord.ext import commands

from cogs.context import Client
from cogs.message_ref import MessageRef
from cogs.messages.claimed_channels import ClaimedChannels
from cogs.messages.delivery import Showable, fresh_nonce
from cogs.messages.replies import reply_to, sentence_for
from cogs.messages.shown_job import job_id_of
from cogs.messages.text import command_mention
from cogs.policy.access import Refused, require_access, require_postable_channel
from cogs.policy.nsfw import require_shown
from cogs.policy.privacy import reply_mode_of
from cogs.policy.request_context import channel_language
from cogs.policy.visibility import accessible_job
from cogs.requests.answers import requester_of
from cogs.requests.attachments import CONTENT_TYPES
from cogs.requests.builder import TypedRequest
from cogs.requests.editing import Sources, edit_requests, with_sources
from cogs.requests.message_origin import MessageOrigin
from cogs.requests.named_pictures import private_source, with_named_pictures
from cogs.requests.submission import Submission
from engine import ImageRequest, InvalidRequest, NeedsReview, Parent
from speech import language_for, say, set_language

NUMBERED = re.compile(r"#?(?P<number>[1-4])\s*[:.)]\s*(?P<rest>.+)", re.DOTALL)
"""A text that begins with the number of the picture that it is about."""

HINT_SECONDS = 600.0
"""Seconds between two hints to the same member."""


class Conversation(commands.Cog):
    """Listens for messages that mention the bot."""

    def __init__(self, bot: Client) -> None:
        self._bot = bot
        self._studio = bot.studio
        self._claimed = bot.services[ClaimedChannels]
        self._hints: commands.CooldownMapping[discord.Message] = (
            commands.CooldownMapping.from_cooldown(1, HINT_SECONDS, commands.BucketType.user)
        )

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Edit the picture that is replied to, or the attached ones, as the text says.

        Who talks to the bot about no picture is told now and then how that's done.
        """
        text = self._said_to_me(message)
        if not text and not self._begins_with_me(message):
            return
        if message.author.bot or message.channel.id in self._claimed:
            return
        origin = MessageOrigin(self._bot, message)
        set_language(language_for(message.guild.preferred_locale if message.guild else "en"))
        try:
            await require_access(origin.interaction)
        except Refused:
            return  # those who are blocked can't have the bot talk, either
        if not text and self._hints.update_rate_limit(message):
            return
        try:
            set_language(await channel_language(origin.interaction))
            await require_postable_channel(origin.interaction)
            if text:
                await self._edit(origin, text)
            else:
                await reply_to(message, self._hint(message.guild))
        except Exception as error:
            await reply_to(message, sentence_for(error))

    def _said_to_me(self, message: discord.Message) -> str:
        """The text of a message to the bot, without the mention; empty if it isn't to it.

        A reply notifies its author, which isn't meant: in a server the text has to mention the bot.
        """
        asks = message.guild is None or self._mention.search(message.content)
        if not (asks and _has_picture(message)):
            return ""
        return " ".join(self._mention.sub(" ", message.content).split())

    def _begins_with_me(self, message: discord.Message) -> bool:
        """Whether a message is to the bot, and about no picture."""
        begins = message.guild is None or self._mention.match(message.content.lstrip())
        return bool(begins) and not _has_picture(message)

    @property
    def _mention(self) -> re.Pattern[str]:
        """What mentions the bot in a text."""
        assert self._bot.user is not None, "it is known after the login"
        return re.compile(rf"<@!?{self._bot.user.id}>")

    def _hint(self, guild: discord.Guild | None) -> str:
        imagine = command_mention(self._bot, "imagine", guild.id if guild else None)
        return say(
            "To paint a picture, use {imagine}. To change one, reply to it, mention me, and say "
            "what to change.",
            imagine=imagine,
        )

    async def _edit(self, origin: MessageOrigin, text: str) -> None:
        sources, text = await self._sources(origin, text)
        interaction = origin.interaction
        variants = TypedRequest(request=ImageRequest(prompt=text)).variants()
        requests = await edit_requests(interaction, variants, sources)
        if len(requests) > 1:
            raise InvalidRequest(say("One edit at a time, please. Use `/edit` for several."))
        message_ref = origin.message_ref(await channel_language(interaction))
        secret = await private_source(interaction, variants)
        if secret is not None and not message_ref.private:
            raise InvalidRequest(
                say("Job {number} is private, but everyone sees answers here.", number=secret)
            )
        if not message_ref.private and (await reply_mode_of(interaction)).private:
            raise InvalidRequest(
                say(
                    "Your `/me defaults` keep your pictures to yourself, but everyone sees answers "
                    "here. Use `/edit` instead."
                )
            )
        requester = await requester_of(interaction, message_ref, sources.finished)
        await self._studio.check_all(requests, requester)
        [request] = await with_named_pictures(
            interaction, variants, await with_sources(interaction, requests, sources)
        )
        try:
            job = await self._studio.submit(request, requester)
        except NeedsReview as error:
            raise InvalidRequest(
                say(
                    "Your text contains a word that a moderator of this server must review first. "
                    "Use `/edit` to send it for review."
                )
            ) from error
        send = partial(_reply, origin.message)
        await self._bot.services[Submission].post(job, message_ref, send, fallback=message_ref)

    async def _sources(self, origin: MessageOrigin, text: str) -> tuple[Sources, str]:
        """The pictures that a message is about, and its text without their number.

        Raises:
            InvalidRequest: When there are none, or it isn't clear which one is meant.
            UnknownJob: When the picture is gone, or the author may not see it.
        """
        attached = _pictures(origin.message)
        reference = origin.message.reference
        if reference is None:
            if not attached:
                raise InvalidRequest(say("This message has no picture attached."))
            return Sources(attachments=attached), text
        replied_to = reference.resolved
        if not isinstance(replied_to, discord.Message):
            raise InvalidRequest(say("The message that you reply to is gone."))
        job_id = job_id_of(replied_to, self._bot.user)
        if job_id is None:
            attached = [*_pictures(replied_to), *attached]
            if not attached:
                raise InvalidRequest(
                    say(
                        "I can only see pictures in messages to me. Attach the picture to yours, "
                        "or use *Apps → Edit this picture* on it."
                    )
                )
            return Sources(attachments=attached), text
        job = await accessible_job(origin.interaction, job_id)
        await require_shown(origin.interaction, job)
        number = 0
        if len(job.pictures) > 1:
            if (match := NUMBERED.fullmatch(text)) is None:
                raise InvalidRequest(
                    say(
                        "That message has several pictures. Begin with the number of the one you "
                        "mean, like “2: make it night”."
                    )
                )
            number, text = int(match["number"]) - 1, match["rest"]
        return Sources(finished=Parent(job_id, number), attachments=attached), text


def _has_picture(message: discord.Message) -> bool:
    """Whether it may be about a picture: one that it replies to, or an attached one."""
    return message.reference is not None or bool(message.attachments)


def _pictures(message: discord.Message) -> list[discord.Attachment]:
    return [
        attachment
        for attachment in message.attachments
        if (attachment.content_type or "").partition(";")[0] in CONTENT_TYPES
    ]


async def _reply(message: discord.Message, message_ref: MessageRef, card: Showable) -> MessageRef:
    """Reply with a job's first card, once however often it is sent."""
    sent = await message.reply(
        view=card.view(),
        mention_author=False,
        allowed_mentions=discord.AllowedMentions.none(),
        nonce=fresh_nonce(),
    )
    return message_ref.with_message(sent.id)
