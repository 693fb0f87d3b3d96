"""The test bot as a program: ``python -m tests.test_discord_server.bot_process API WS TOKEN``."""

import sys

from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL

from .painter_bot import PainterBot

if __name__ == "__main__":
    Route.BASE, gateway, token = sys.argv[1:]
    DiscordWebSocket.DEFAULT_GATEWAY = URL(gateway)
    PainterBot().run(token, log_handler=None)
