"""Pictures of the owner's page: ``python -m tests.screenshots.owner_page docs --browser chromium``.

Members of a loopback Discord ask for pictures for some minutes, and the bot paints them with the
built-in model. Then Chromium takes a picture of the page in each language: `web.png` in the folder,
and in its folders `zh-CN` and so on. `--help` of `tests.screenshots` says what to install.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
import time
from functools import partial
from pathlib import Path

import httpx2

from tests.cogs.app import until
from tests.discord_server import Channel, DiscordServer, Member
from tests.screenshots.bot import running_bot, write_settings
from tests.screenshots.browser import photograph_address

ADDRESS = "http://127.0.0.1:8722/"

SETTINGS = """
        [web]
        listen = "127.0.0.1:8722"
        [limits]
        waiting_jobs = 20
        pictures_per_hour = "unlimited"
        [models.realvis]
        source = "SG161222/RealVisXL_V5.0"
        [models.z-image]
        source = "Tongyi-MAI/Z-Image-Turbo"
"""

PROMPTS = (
    *("an orange cat on a green square", "a red mushroom next to a green tree"),
    *("a red house under a yellow moon", "two red balloons next to a cloud", "a blue fish"),
    *("a yellow flower on a pink square", "a purple star above a blue house"),
    *("a green tree next to a white house", "an orange sun above a blue boat"),
    *("a red boat under a white cloud", "a yellow star above a green tree"),
    *("a purple flower next to a red house", "three green balloons", "a white cat under the moon"),
)

MINUTES = 4.5
"""How long members have painted when the picture is taken."""

WIDTH, SCALE = 1240, 1.0

LANGUAGES = {"en-US": "", "zh-CN": "zh-CN"}
"""The locales, and the folders of their pictures."""


async def paint(people: list[Member], art: Channel) -> None:
    """Ask for pictures now and then; everything that is random is always the same."""
    chance = random.Random(5)
    end = time.monotonic() + MINUTES * 60
    asked = 0
    while time.monotonic() < end:
        for _ in range(chance.randint(1, 3)):
            prompt = f"{PROMPTS[asked % len(PROMPTS)]} --seed {asked + 3}"
            await people[asked % len(people)].slash(art, "imagine", prompt=prompt, count=1)
            asked += 1
        await asyncio.sleep(chance.uniform(3, 14))
    for number, who in enumerate(people):
        private = {"private": True} if number == 2 else {}
        prompt = f"{PROMPTS[number + 1]} --seed {number + 50}"
        await who.slash(art, "imagine", prompt=prompt, count=4, steps=150, **private)


async def photograph(folder: Path, browser: str) -> list[Path]:
    """Take the pictures, as soon as there is a preview on the page."""
    files = []
    for locale, below in LANGUAGES.items():
        async with httpx2.AsyncClient() as client:
            await until(partial(client.get, ADDRESS), lambda page: "/previews/" in page.text)
        png = await asyncio.to_thread(
            photograph_address, ADDRESS, browser, width=WIDTH, scale=SCALE, locale=locale
        )
        files.append(folder / below / "web.png")
        files[-1].write_bytes(png)
    return files


async def run(folder: Path, browser: str) -> list[Path]:
    """Let members paint, and take the pictures."""
    with tempfile.TemporaryDirectory() as data:
        # The bot takes an answer that comes at once for one to the heartbeat before.
        async with DiscordServer(heartbeat_interval=3600.0) as discord:
            guild = discord.add_guild("Painters", locale="en-US")
            art = guild.add_channel("art")
            names = ("alice", "bob", "mona", "zoe")
            people = [guild.add_member(name, locale="en-US") for name in names]
            write_settings(discord, Path(data), SETTINGS)
            async with running_bot(discord, Path(data)):
                await paint(people, art)
                return await photograph(folder, browser)


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--browser", required=True, help="a Chromium")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for file in asyncio.run(run(arguments.folder, arguments.browser)):
        print(f"{file}  {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
