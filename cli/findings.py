"""The lines of the report of `check`."""

from dataclasses import dataclass
from enum import Enum

from rich.text import Text

from cli.console import out


class Mark(Enum):
    """How serious a finding is: its sign and the sign's style."""

    GOOD = ("✓", "green")
    NOTE = ("!", "yellow")
    BAD = ("✗", "bold red")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `advice` is what to do about it."""

    mark: Mark
    subject: str
    text: str
    advice: str = ""


def show(finding: Finding) -> None:
    """Print a line of the report, and what to do about it."""
    sign, style = finding.mark.value
    out.print(Text.assemble((sign, style), f" {finding.subject:<10}{finding.text}"))
    for line in finding.advice.splitlines():
        out.print(f"  {'':10}{line}", style="dim")
