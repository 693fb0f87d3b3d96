"""What can be told from a Discord token without asking Discord."""

import base64
import binascii
import re

from cli.errors import CommandError
from cli.exits import Exit

HOW_TO_GET_ONE = """\
There is no Discord token. To get one:
  1. Open https://discord.com/developers/applications and choose New Application.
  2. On its page Bot choose Reset Token, and copy what it shows. No intent has to be turned on.
  3. Hand it over with `python bot.py init`, or in the environment as DISCORD_TOKEN.
  4. `python bot.py invite` then gives the link that adds the bot to your server."""


class TokenMissing(CommandError):
    """There is no token; the text says in five lines how to get one."""

    def __init__(self) -> None:
        super().__init__(Exit.TOKEN, HOW_TO_GET_ONE)


class TokenRefused(CommandError):
    """Discord does not accept the token."""

    def __init__(self) -> None:
        super().__init__(
            Exit.TOKEN,
            "Discord does not accept the token: take a new one with Reset Token on the page Bot at "
            "https://discord.com/developers/applications.",
        )


def application_id(token: str) -> int | None:
    """The id of the application that the token belongs to; `None` if it is no bot's token.

    A token is three base64url parts with dots between; the first holds the id in digits.
    """
    parts = token.split(".")
    if len(parts) != 3 or not all(re.fullmatch(r"[\w-]+", part, re.ASCII) for part in parts):
        return None
    try:
        digits = base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4))
    except binascii.Error:
        return None
    return int(digits) if re.fullmatch(rb"\d{15,20}", digits) else None
