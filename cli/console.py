"""Output of the commands: results go to `out`, everything else to `err`.

Lines aren't wrapped, so paths and links can be copied from a narrow terminal.
"""

from rich.console import Console

out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
