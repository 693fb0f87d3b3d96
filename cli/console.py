"""Where the commands write: results to `out`, everything else to `err`.

Nothing is wrapped, so that a path or a link can be copied from a narrow terminal or a pipe.
"""

from rich.console import Console

out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
