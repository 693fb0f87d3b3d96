"""`docs/commands.md`, written from the bot itself: ``python -m tests.command_reference``.

Commands and their options are as Discord was told them. Who can use what, and under which limits,
is read from the code: from the functions that a command, a button or a modal calls.
"""

from .page import COMMAND, PAGE, reference

__all__ = ["COMMAND", "PAGE", "reference"]
