"""Output of the commands: results go to `out`, everything else to `err`.

Lines aren't wrapped, so paths and links can be copied from a narrow terminal.
"""

from rich.console import Console

from cli.exits import Exit


class Output(Console):
    """Ends quietly, and not with the code of a bug, when who reads the output has gone."""

    def on_broken_pipe(self) -> None:
        """End the process; what follows is written nowhere."""
        try:
            super().on_broken_pipe()
        except SystemExit:
            raise SystemExit(Exit.OUTPUT) from None


UNBOUNDED = 1000
"""Console width that never folds or cuts a row."""

out = Output(highlight=False, markup=False, emoji=False, soft_wrap=True)
err = Output(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
tables = Output(highlight=False, markup=False, emoji=False, width=UNBOUNDED)
