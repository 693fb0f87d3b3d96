"""Live mentions of commands: in Discord, a click on one begins to type it."""

from cogs.context import EVERYWHERE, Client


def mention(bot: Client, command: str, guild_id: int | None) -> str:
    """The command, such as `model use`, as a mention that works in that server.

    Where Discord has not told its id, it is only the name.
    """
    places = bot.command_ids
    ids = places.get(guild_id or EVERYWHERE) or places.get(EVERYWHERE, {})
    if (known := ids.get(command.partition(" ")[0])) is None:
        return f"`/{command}`"
    return f"</{command}:{known}>"
