"""/block, /unblock and /audit: blocked members, and the log of what moderators did."""

from collections.abc import Iterable, Iterator

import discord
from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.markdown import Markdown, escaped_line, shortened_markdown
from cogs.messages.replies import MAX_MESSAGE_LENGTH, reply
from cogs.policy.access import Refused, require_moderator
from cogs.policy.audit import record
from cogs.policy.contexts import scope_of
from engine import AuditEntry, Block, Studio
from speech import load_sentence, phrase, say

AnyUser = discord.Member | discord.User

MAX_AUDIT_ENTRIES = 50
"""Entries that `/audit` shows."""

MAX_ENTRY_LENGTH = 700
"""Characters of an entry's text."""

BLOCKED_TEXT = phrase(
    "{user} is blocked until {end}. Their queued jobs will still be painted; cancel them with "
    "`/cancel`."
)


class BlockCommands(commands.Cog):
    """The commands about blocked members and the audit log."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.describe(
        user="Who to block",
        reason="The reason; moderators see it in /audit",
        days="For how many days; until /unblock if omitted",
    )
    async def block(
        self,
        interaction: Interaction,
        user: AnyUser,
        reason: Range[str, 1, 150],
        days: Range[int, 1, 3650] | None = None,
    ) -> None:
        """Stop someone from using me in this server"""
        require_moderator(interaction)
        _require_blockable(interaction, user)
        block = await self._studio.moderation.block(
            scope_of(interaction),
            str(user.id),
            by=str(interaction.user.id),
            reason=reason,
            days=days,
        )
        reason_text = escaped_line(reason)
        end = _until_text(block)
        await record(
            interaction,
            say("blocked {user} until {end}: {why}", user=user.mention, end=end, why=reason_text),
        )
        await reply(interaction, say(BLOCKED_TEXT, user=user.mention, end=end))

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.describe(user="Who to unblock")
    async def unblock(self, interaction: Interaction, user: AnyUser) -> None:
        """Let someone use me in this server again"""
        require_moderator(interaction)
        if await self._studio.moderation.unblock(scope_of(interaction), str(user.id)):
            await record(interaction, say("unblocked {user}", user=user.mention))
            await reply(interaction, say("{user} can use me again.", user=user.mention))
        else:
            await reply(interaction, say("{user} isn't blocked.", user=user.mention))

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.default_permissions(moderate_members=True)
    async def audit(self, interaction: Interaction) -> None:
        """Show what moderators did here recently"""
        require_moderator(interaction)
        audit_entries = await self._studio.moderation.audit_entries(
            scope_of(interaction), MAX_AUDIT_ENTRIES
        )
        if not audit_entries:
            await reply(interaction, say("No moderator actions here yet."))
        for text in split_into_messages(audit_line(entry) for entry in audit_entries):
            await reply(interaction, text)


def _require_blockable(interaction: Interaction, user: AnyUser) -> None:
    """Raise `Refused` when that user can't be blocked."""
    if user.id == interaction.user.id:
        raise Refused(say("You can't block yourself. Choose someone else."))
    if user.bot:
        raise Refused(say("You can't block a bot. Choose a member."))
    permissions = user.resolved_permissions if isinstance(user, discord.Member) else None
    if permissions is not None and permissions.manage_guild:
        raise Refused(
            say("{user} manages this server and can't be blocked.", user=Markdown(user.mention))
        )


def _until_text(block: Block) -> str:
    """When the block ends: a time, or the command that ends it."""
    return f"<t:{int(block.until)}:f>" if block.until is not None else "/unblock"


def audit_line(entry: AuditEntry) -> str:
    """One line of the audit log."""
    text = shortened_markdown(load_sentence(entry.what), MAX_ENTRY_LENGTH)
    return f"<t:{int(entry.at)}:R> <@{entry.by}> {text}"


def split_into_messages(lines: Iterable[str]) -> Iterator[str]:
    """The lines, joined into as few messages as possible."""
    text = ""
    for line in lines:
        if text and len(text) + 1 + len(line) > MAX_MESSAGE_LENGTH:
            yield text
            text = line
        else:
            text = f"{text}\n{line}" if text else line
    if text:
        yield text
