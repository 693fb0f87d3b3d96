"""A loopback Discord (REST v10 and gateway v10) as strict as the real one, for tests.

    async with DiscordServer() as discord:
        guild = discord.add_guild("Painters")
        art = guild.add_channel("art")
        alice = guild.add_member("alice")
        ...  # start a bot with discord.token against discord.api_url
        await discord.ready()
        use = await alice.slash(art, "imagine", prompt="a red house")
        message = await use.message()
        await alice.click(message, label="Again")

Whatever the bot sends that Discord would refuse is refused in Discord's words and recorded in
`discord.violations`, which must be empty when the block ends.
"""

from discord import Permissions

from .errors import ClientRefuses, Violation
from .guilds import Channel, Guild, Member, Role
from .messages import Attachment, Message
from .modals import Modal
from .server import DiscordServer
from .uploads import Upload
from .uses import Choice, Use

__all__ = [
    "Attachment",
    "Channel",
    "Choice",
    "ClientRefuses",
    "DiscordServer",
    "Guild",
    "Member",
    "Message",
    "Modal",
    "Permissions",
    "Role",
    "Upload",
    "Use",
    "Violation",
]
