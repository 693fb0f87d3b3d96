"""Prints a memory plan."""

from collections.abc import Iterable, Sequence

from rich.table import Table

from cli.console import out, tables
from engine import PlanTable


def show_plan(plan: PlanTable) -> None:
    """Print where each component is kept, what it needs, and why nothing faster was chosen."""
    if plan.problem:
        out.print(f"✗ Does not fit. {plan.problem}", style="bold")
    out.print(f"Plan: {plan.summary}.")
    out.print(f"RAM: {plan.ram}.")
    if plan.disk:
        out.print(f"Disk: {plan.disk}.")
    out.print()
    components = [(row.name, row.size, row.lives) for row in plan.components]
    tables.print(_table(("component", "size", "location"), components))
    out.print()
    tables.print(_table(("while", "expected memory"), plan.peaks))
    out.print(f"Peak: {plan.peak}.")
    out.print(f"Time per picture: {plan.slowdown} that with everything on the device.")
    if plan.passed_over:
        out.print()
        tables.print(_table(("faster plan", "time", "why"), plan.passed_over))
    for note in plan.notes:
        out.print(note, style="dim")


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(*titles, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    return table
