"""What members and moderators do about prompts that wait for a review."""

from __future__ import annotations

from cogs.message_ref import MessageRef
from tests.cogs.app import App
from tests.discord_server import Channel, Member, Message

WAITS = (
    "Your prompt contains a word that a moderator of this server must review first. It will "
    "wait until <t:"
)


async def ask_there(who: Member, app: App, submission: Channel) -> None:
    """Have moderators asked in that channel."""
    settings_panel = await (await who.slash(app.art, "settings")).message()
    await who.click(settings_panel, custom_id="atelier-settings-page:order")
    await who.select(settings_panel, submission, custom_id="atelier-setting:reviews")


def message_ref_in(app: App) -> MessageRef:
    """Where a request of Alice's belongs whose interaction is long over."""
    return MessageRef(
        guild_id=app.guild.id,
        channel_id=app.art.id,
        message_id=None,
        application_id=app.discord.application_id,
        token="",
        expires_at=0.0,
        upload_limit=10**7,
        person=app.alice.user.id,
    )


async def shown(app: App, where: Channel, text: str = "asked for") -> Message:
    """The latest message there with that text, once it is there."""
    await app.discord.until(lambda: any(text in each.text() for each in public(where)))
    return [each for each in public(where) if text in each.text()][-1]


def public(where: Channel) -> list[Message]:
    """What everybody reads there."""
    return [each for each in where.history if not each.ephemeral]


def shows(message: Message, text: str) -> bool:
    return text in message.text()
