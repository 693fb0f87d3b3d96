"""/words: words that a server blocks in prompts, or has moderators review."""

from collections.abc import Sequence

from discord import app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.markdown import escaped, spoiler
from cogs.messages.replies import reply
from cogs.moderation.blocks import split_into_messages
from cogs.moderation.reviews import ReviewService
from cogs.policy.access import manages, require_manager, require_moderator
from cogs.policy.audit import record
from cogs.policy.contexts import scope_of
from cogs.policy.server_settings import server_settings
from cogs.requests.choices import MAX_CHOICES
from engine import Studio
from speech import phrase, say

Word = Range[str, 1, 60]


BLOCKED_HEADING = phrase("Blocked words:")
REVIEWED_HEADING = phrase("Words that need review:")

LINE_LENGTH = 1500
"""Characters of a line of words."""

REVIEW_ADDED = phrase(
    "Prompts with “{word}” now need a moderator's approval. Requests are posted in {where}; "
    "you can change that in `/settings`."
)

NOT_LISTED = phrase("“{word}” isn't on a list. See the lists with `/words list`.")

NO_WORDS = phrase(
    "No words are restricted. `/words block` blocks one; `/words review` has moderators check "
    "it first."
)

DAMAGED = phrase(
    "The stored word lists are damaged, and nothing is painted until you add the words again with "
    "`/words block` and `/words review`. The words shown here are all that could be read."
)


@app_commands.guild_only()
@app_commands.default_permissions(moderate_members=True)
class Words(
    commands.GroupCog,
    group_name="words",
    group_description="Words that are blocked or need a review",
):
    """The commands about words."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        super().__init__()

    @app_commands.command(name="block")
    @app_commands.describe(word="A word or a phrase; case doesn't matter")
    async def block_word(self, interaction: Interaction, word: Word) -> None:
        """Refuse prompts that contain a word in this server"""
        require_manager(interaction)
        word = await self._studio.moderation.block_word(scope_of(interaction), word)
        await record(interaction, say("blocked the word {word}", word=spoiler(word)))
        await reply(interaction, say("Prompts with “{word}” are now blocked.", word=escaped(word)))

    @app_commands.command(name="review")
    @app_commands.describe(word="A word or a phrase; case doesn't matter")
    async def review_word(self, interaction: Interaction, word: Word) -> None:
        """Have a moderator review prompts with a word before they're painted"""
        require_manager(interaction)
        scope = scope_of(interaction)
        word = await self._studio.moderation.review_word(scope, word)
        await record(interaction, say("marked the word {word} for review", word=spoiler(word)))
        channel_id = (await server_settings(self._studio, scope)).review_channel
        where = f"<#{channel_id}>" if channel_id else say("the channel where the prompt was sent")
        await reply(interaction, say(REVIEW_ADDED, word=escaped(word), where=where))

    @app_commands.command(name="remove")
    @app_commands.describe(word="A word that is blocked or reviewed")
    async def remove_word(self, interaction: Interaction, word: Word) -> None:
        """Allow a word again"""
        require_manager(interaction)
        if await self._studio.moderation.allow_word(scope_of(interaction), word):
            await record(interaction, say("allowed the word {word}", word=spoiler(word)))
            await reply(interaction, say("“{word}” can be used again.", word=escaped(word)))
        else:
            await reply(interaction, say(NOT_LISTED, word=escaped(word)))

    @app_commands.command(name="list")
    async def list_words(self, interaction: Interaction) -> None:
        """List the blocked and reviewed words, visible only to you"""
        require_manager(interaction)
        lists = await self._studio.moderation.word_lists(scope_of(interaction))
        headed = ((BLOCKED_HEADING, lists.blocked), (REVIEWED_HEADING, lists.reviewed))
        lines = [line for heading, words in headed if words for line in _lines(heading, words)]
        for text in split_into_messages(lines):
            await reply(interaction, text)
        if lists.damaged:
            await reply(interaction, say(DAMAGED))
        elif not lines:
            await reply(interaction, say(NO_WORDS))

    @app_commands.command(name="waiting")
    async def list_waiting(self, interaction: Interaction) -> None:
        """Show what's waiting for a moderator, and ask again if a message was deleted"""
        require_moderator(interaction)
        await interaction.client.services[ReviewService].list_waiting(interaction)

    @remove_word.autocomplete("word")
    async def _complete_word(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        if not manages(interaction):
            return []
        lists = await self._studio.moderation.word_lists(scope_of(interaction))
        words = sorted([*lists.blocked, *lists.reviewed])
        typed = current.strip().casefold()
        return [Choice(name=word, value=word) for word in words if typed in word][:MAX_CHOICES]


def _lines(heading: str, words: Sequence[str]) -> list[str]:
    """A heading and the words, in lines that are short enough to split into messages."""
    lines = [f"**{say(heading)}**", ""]
    for shown in map(escaped, words):
        if lines[-1] and len(lines[-1]) + len(shown) > LINE_LENGTH:
            lines.append("")
        lines[-1] += f", {shown}" if lines[-1] else shown
    return lines
