"""How soon Discord gets an answer when many people use the bot at once.

    python -m tests.acknowledgement [--members 60] [--rounds 3]

The bot runs as its owner runs it, in a process of its own, and paints with the built-in model. A
loopback Discord in this process tells it of one `/imagine` by each member at the same moment, and
measures the time until each is acknowledged; Discord allows 3 seconds.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from tests.discord_server import Channel, DiscordServer, Member

PATIENCE = 60.0
"""Seconds for the bot to start, and for one round."""


async def rounds_of(members: int, rounds: int) -> list[list[float]]:
    """Seconds until each acknowledgement, by round; in the first one, the device isn't busy yet."""
    with tempfile.TemporaryDirectory() as folder:
        async with DiscordServer() as discord:
            guild = discord.add_guild("Painters")
            art = guild.add_channel("art")
            people = [guild.add_member(f"member {number}") for number in range(members)]
            config = Path(folder) / "config.toml"
            config.write_text(
                f'[discord]\ntoken = "{discord.token}"\napi_url = "{discord.api_url}"\n'
                f'[storage]\npath = "{Path(folder).as_posix()}/data"\n'
                "[limits]\nqueue_size = 10000\npictures_per_hour = 'unlimited'\n"
                "waiting_jobs = 'unlimited'\n"
            )
            command = (sys.executable, "bot.py", "run", "--config", str(config))
            bot = await asyncio.create_subprocess_exec(*command)
            try:
                await discord.ready(PATIENCE)
                return [await at_once(people, art) for _ in range(rounds)]
            finally:
                bot.kill()
                await bot.wait()


async def at_once(people: list[Member], channel: Channel) -> list[float]:
    """Seconds until each person's command is acknowledged."""
    uses = await asyncio.gather(
        *(person.slash(channel, "imagine", prompt="a red house") for person in people)
    )
    async with asyncio.timeout(PATIENCE):
        for use in uses:
            await use.message(PATIENCE)
    return [use.acknowledged_after for use in uses]


def main(
    members: Annotated[int, typer.Option(min=1, max=500)] = 60,
    rounds: Annotated[int, typer.Option(min=1, max=20)] = 3,
) -> None:
    """Print the median and the 99th percentile of each round."""
    for number, seconds in enumerate(asyncio.run(rounds_of(members, rounds)), start=1):
        last = sorted(seconds)[max(0, -(-99 * len(seconds) // 100) - 1)]
        typer.echo(f"round {number}: median {median(seconds):.3f} s, p99 {last:.3f} s")


if __name__ == "__main__":
    typer.run(main)
