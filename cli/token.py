"""What a Discord token says without asking Discord."""

import base64
import binascii
import re

from cli.errors import CommandError
from cli.exits import Exit
from cli.program import program

MALFORMED = "This isn't a bot token. A bot token has three parts separated by dots."
WHERE_TO_COPY = (
    "The client secret and the public key don't work. Copy the token from the Bot page at "
    "https://discord.com/developers/applications."
)


def how_to_get_one() -> str:
    """What to do without a token, in five lines."""
    return f"""\
No Discord token is set. To get one:
  1. Open https://discord.com/developers/applications and choose New Application.
  2. On the Bot page, choose Reset Token and copy the token. You don't need any intents.
  3. Run `{program()} init` and paste it, or set DISCORD_TOKEN in the environment.
  4. Run `{program()} invite` for the link that adds the bot to your server."""


class TokenMissing(CommandError):
    """No token is set; the text says in five lines how to get one."""

    def __init__(self) -> None:
        super().__init__(Exit.TOKEN, how_to_get_one())


class TokenMalformed(CommandError):
    """What is set as the token can't be one."""

    def __init__(self) -> None:
        super().__init__(Exit.TOKEN, f"{MALFORMED} {WHERE_TO_COPY}")


class TokenRefused(CommandError):
    """Discord rejected the token."""

    def __init__(self) -> None:
        super().__init__(
            Exit.TOKEN,
            "Discord rejected the token. Create a new one with Reset Token on the Bot page at "
            "https://discord.com/developers/applications.",
        )


def application_id(token: str) -> int | None:
    """The ID of the application the token belongs to; `None` if it isn't a bot token.

    A token is three base64url parts separated by dots; the first holds the ID in digits.
    """
    parts = token.split(".")
    if len(parts) != 3 or not all(re.fullmatch(r"[\w-]+", part, re.ASCII) for part in parts):
        return None
    try:
        digits = base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4))
    except binascii.Error:
        return None
    return int(digits) if re.fullmatch(rb"\d{15,20}", digits) else None
