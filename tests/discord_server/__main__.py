"""The server by hand: ``python -m tests.discord_server``.

It prints the token and the address for a bot, then takes lines:

    alice /imagine prompt=a red house|count=2
    alice click Again
    show
    quit
"""

from __future__ import annotations

import asyncio
from typing import Any

from .command_rules import BOOLEAN, INTEGER, NUMBER
from .errors import ClientRefuses, Json
from .guilds import Channel, Member
from .offers import descend, find_command, registered
from .server import DiscordServer
from .uses import Use

READERS: dict[int, Any] = {
    INTEGER: int,
    NUMBER: float,
    BOOLEAN: lambda text: text.lower() in ("yes", "true", "1"),
}


def read_options(specs: list[Json], text: str) -> dict[str, Any]:
    """Options written ``name=value|name=value``, each in its type."""
    given = dict(part.split("=", 1) for part in text.split("|") if "=" in part)
    kinds = {spec["name"]: spec["type"] for spec in specs}
    return {name: READERS.get(kinds.get(name, 3), str)(value) for name, value in given.items()}


async def obey(person: Member, channel: Channel, line: str) -> Use:
    """Do what a line says: ``/command options`` or ``click label``."""
    verb, _, rest = line.partition(" ")
    if verb == "click":
        found = [each for each in channel.seen_by(person) if rest in each.labels]
        if not found:
            raise ClientRefuses(f"there is no button {rest!r}")
        return await person.click(found[-1], label=rest)
    words, path = line.removeprefix("/").split(" "), []
    while words and "=" not in words[0]:
        path.append(words.pop(0))
    chain = descend(find_command(registered(channel), path[0], 1), path[1:])
    options = read_options(chain[-1].get("options", []), " ".join(words))
    return await person.slash(channel, " ".join(path), **options)


async def main() -> None:
    """Serve until ``quit``."""
    discord = DiscordServer()
    await discord.start()
    guild = discord.add_guild("Painters")
    art = guild.add_channel("art")
    print(f"token        {discord.token}")
    print(f"api_url      {discord.api_url}")
    print(f"gateway_url  {discord.gateway_url}", flush=True)
    while (line := await asyncio.to_thread(input, "> ")) != "quit":
        if line != "show":
            name, _, rest = line.partition(" ")
            try:
                print(await obey(guild.add_member(name), art, rest))
            except ClientRefuses as refusal:
                print(f"no: {refusal}")
        print(discord.transcript())
        for violation in discord.violations:
            print(f"!! {violation}")
    await discord.stop()


if __name__ == "__main__":
    asyncio.run(main())
