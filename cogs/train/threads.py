"""Threads in which people post the pictures of a training.

Discord shows the bot files only in messages that mention it or reply to it, and in direct messages;
all others take the message content intent, which Discord has to grant and the bot does without.
"""

import asyncio
from contextlib import suppress
from typing import Final
from weakref import WeakValueDictionary

import discord
from discord.ext import commands

from cogs.context import Client, Interaction
from cogs.markdown import escaped
from cogs.messages.claimed_channels import ClaimedChannels
from cogs.messages.replies import reply, reply_to, sentence_for
from cogs.messages.text import shortened
from cogs.policy.access import Refused, require_access
from cogs.policy.permissions import missing_permissions
from cogs.policy.trainers import require_trainer_of, seen_by_all
from cogs.requests.message_origin import MessageOrigin
from cogs.train.adding import Outcome, add_files, refusals
from cogs.train.home import TrainingHome
from cogs.train.training_messages import TrainingMessages
from engine import InvalidRequest, Training, TrainingState, UnknownJob
from speech import join_list, phrase, say, say_many, set_language

NEEDED = ("view_channel", "create_public_threads", "send_messages_in_threads")
"""What the bot needs to open a thread and to answer in it."""

A_DAY: Final = 1440
"""Minutes without a message after which Discord closes a thread; a new message opens it again."""

UNSEEN = phrase(
    "I can't see pictures in messages that don't mention me. Reply to this message with them, or "
    "mention {bot} beside them."
)


class TrainingThreads(commands.Cog):
    """Opens the threads, and takes the pictures that are posted there."""

    def __init__(self, bot: Client, messages: TrainingMessages) -> None:
        """Take the bot and the messages of trainings."""
        self._bot = bot
        self._trainings = bot.studio.trainings
        self._messages = messages
        self._claimed = bot.services[ClaimedChannels]
        self._by_thread: dict[int, int] = {}
        self._hinted: set[int] = set()
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def load(self) -> None:
        """Listen in the threads of trainings that still collect."""
        for training in await self._trainings.waiting_messages():
            with suppress(TypeError, ValueError, AttributeError):  # `resume` says which
                thread = TrainingHome.of(training).thread
                if thread and training.state is TrainingState.COLLECTING:
                    self._listen(thread, training.id)

    async def open(self, interaction: Interaction, training: Training) -> None:
        """Open a thread for a training's pictures, or say where it is.

        Raises:
            Refused: When there can't be one, or the bot may not open it.
        """
        async with self._locks.setdefault(training.id, asyncio.Lock()):
            training = await self._trainings.get(training.id)
            home = TrainingHome.of(training)
            if home.thread and await self._is_there(home.thread):
                await reply(interaction, say("Post the pictures in <#{id}>.", id=home.thread))
                return
            channel = interaction.channel
            if not isinstance(channel, discord.TextChannel):
                raise Refused(say("There can't be a thread here. Use “Add pictures” instead."))
            if missing := missing_permissions(interaction.app_permissions, NEEDED):
                raise Refused(
                    say(
                        "To open a thread I need these permissions here: {permissions}.",
                        permissions=join_list(missing),
                    )
                )
            await interaction.response.defer()
            await self._messages.adopt(interaction, training)
            thread = await self._opened(channel, training)
            await self._messages.change_home(training, thread=thread.id)
            self._listen(thread.id, training.id)
        await self._messages.refresh(training.id)
        await thread.send(
            say(
                "{owner}, reply to this message with pictures for **{name}**, or post them here "
                "and mention {bot}: Discord shows me no others. What you write beside them becomes "
                "their caption.",
                owner=f"<@{training.owner}>",
                name=escaped(training.name),
                bot=self._mention,
            ),
            allowed_mentions=discord.AllowedMentions(users=[interaction.user]),
        )

    async def _opened(self, channel: discord.TextChannel, training: Training) -> discord.Thread:
        try:
            return await channel.create_thread(
                name=shortened(training.name, 100),
                type=discord.ChannelType.public_thread,
                auto_archive_duration=A_DAY,
            )
        except (discord.Forbidden, discord.NotFound) as error:
            raise Refused(
                say("Discord didn't let me open a thread here. Use “Add pictures” instead.")
            ) from error

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Take the pictures in a message, if it's in such a thread, or in direct messages."""
        if message.author.bot or message.type not in (
            discord.MessageType.default,
            discord.MessageType.reply,
        ):
            return
        if (training := await self._training_of(message)) is None:
            return
        set_language(TrainingHome.of(training).message_ref.language)
        origin = MessageOrigin(self._bot, message)
        try:
            await require_access(origin.interaction)
        except Refused:
            return  # those who are blocked can't have the bot talk, either
        try:
            text = await self._take(origin, training)
        except Exception as error:
            text = sentence_for(error)
        if text:
            await reply_to(message, text)

    @commands.Cog.listener()
    async def on_raw_thread_delete(self, payload: discord.RawThreadDeleteEvent) -> None:
        """Have another thread be opened in place of one that was deleted; the pictures stay."""
        training_id = self._by_thread.pop(payload.thread_id, None)
        if training_id is None:
            return
        self._claimed.release(payload.thread_id)
        with suppress(UnknownJob):
            await self._messages.change_home(await self._trainings.get(training_id), thread=0)
            await self._messages.refresh(training_id)

    def release(self, training: Training) -> None:
        """Leave the messages in a training's thread to others: no pictures are taken any more."""
        thread = TrainingHome.of(training).thread
        self._by_thread.pop(thread, None)
        self._claimed.release(thread)

    def _listen(self, thread_id: int, training_id: int) -> None:
        self._by_thread[thread_id] = training_id
        self._claimed.claim(thread_id)

    async def _is_there(self, thread_id: int) -> bool:
        try:
            await self._bot.fetch_channel(thread_id)
        except (discord.NotFound, discord.Forbidden):
            return False
        return True

    async def _training_of(self, message: discord.Message) -> Training | None:
        """The training whose pictures may be in the message."""
        if (training_id := self._by_thread.get(message.channel.id)) is not None:
            with suppress(UnknownJob):  # it was removed just now
                return await self._trainings.get(training_id)
            return None
        if message.guild is not None or message.content or not message.attachments:
            return None
        own = await self._trainings.of_owner(str(message.author.id))
        return next((each for each in own if each.state is TrainingState.COLLECTING), None)

    async def _take(self, origin: MessageOrigin, training: Training) -> str:
        """Add the pictures; what to answer, which may be nothing."""
        message = origin.message
        to_me = message.guild is None or self._bot.user in message.mentions
        if str(message.author.id) != training.owner:
            owner = f"<@{training.owner}>"
            taken = say("I only take pictures from {owner} here.", owner=owner)
            return taken if to_me else ""
        if not to_me:
            return self._hint(message.channel.id)
        if message.guild is None and seen_by_all(training):
            raise Refused(
                say(
                    "Everyone in its server sees the pictures of **{name}**, so I take none here. "
                    "Use “Add pictures” or “Post in a thread” there.",
                    name=escaped(training.name),
                )
            )
        await require_trainer_of(origin.interaction, training)
        if not message.attachments:
            raise InvalidRequest(say("This message has no picture attached."))
        caption = message.content.replace(self._mention, " ")
        async with self._locks.setdefault(training.id, asyncio.Lock()):
            outcomes: list[Outcome] = [
                outcome
                async for outcome in add_files(
                    origin.interaction, training, message.attachments, caption
                )
            ]
        await self._messages.refresh(training.id)
        count = len((await self._trainings.get(training.id)).pictures)
        taken = say_many("{number} picture so far.", "{number} pictures so far.", count)
        return "\n".join(line for line in (taken, refusals(outcomes)) if line)

    def _hint(self, thread_id: int) -> str:
        """Why nothing was taken, the first time."""
        if thread_id in self._hinted:
            return ""
        self._hinted.add(thread_id)
        return say(UNSEEN, bot=self._mention)

    @property
    def _mention(self) -> str:
        assert self._bot.user is not None, "it is known after the login"
        return self._bot.user.mention
