"""`docs/commands.md`, written from the bot itself: ``python -m tests.command_reference``.

Commands and their options are as Discord was told them. Who may use what, and under which limits,
is read from the code: from the functions that a command, a button or a modal leads to.
"""

from .page import COMMAND, PAGE, reference

__all__ = ["COMMAND", "PAGE", "reference"]
