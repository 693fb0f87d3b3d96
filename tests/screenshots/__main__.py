"""Pictures of the bot's messages, for the documentation: ``python -m tests.screenshots FOLDER``.

The bot runs as its owner runs it and paints with the built-in model. That can't edit, and there is
no control network and no model as small that describes pictures: there are some that have learnt
nothing (see `models`). People of a loopback Discord talk to it. What they see is written to
FOLDER as one page of HTML for each picture or, with ``--browser chromium``, as PNG: Chromium makes
it, Pillow crops it. Neither the browser nor fonts come with this project; on Debian:

    apt-get install chromium fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji fonts-dejavu
    python -m tests.screenshots docs/messages --browser chromium
    python -m tests.screenshots docs/messages/zh-CN --browser chromium --locale zh-CN

The owner's page has a script of its own: ``python -m tests.screenshots.owner_page``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.discord_server import DiscordServer
from tests.screenshots.bot import invitation, running_bot, running_worker, write_settings
from tests.screenshots.browser import photograph
from tests.screenshots.models import settings
from tests.screenshots.scenes import Conversation
from tests.screenshots.training import training
from tests.screenshots.workers import workers


async def converse(locale: str) -> dict[str, str]:
    """Talk to the bot; the pages, by their names."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # The bot takes an answer that comes at once for one to the heartbeat before.
        async with DiscordServer(heartbeat_interval=3600.0) as discord:
            conversation = Conversation(discord, locale)
            write_settings(discord, folder, settings(folder, free_port()))
            line = await invitation(folder)
            async with running_bot(discord, folder):
                await conversation.play()
                await training(conversation)
                async with running_worker(folder, line):
                    await workers(conversation)
            return conversation.pages


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def files(pages: dict[str, str], browser: str | None) -> Iterator[tuple[str, bytes]]:
    """What is to be written, by its names."""
    for name, html in pages.items():
        if browser is None:
            yield f"{name}.html", html.encode()
        else:
            yield f"{name}.png", photograph(html, browser)


def main() -> None:
    """Make the pictures."""
    about, _, how = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=how, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--locale", default="en-US", help="the language of everybody's client")
    parser.add_argument("--browser", help="a Chromium that makes PNG of the pages")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    pages = asyncio.run(converse(arguments.locale))
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, data in files(pages, arguments.browser):
        (arguments.folder / name).write_bytes(data)
        print(f"{arguments.folder / name}  {len(data) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
