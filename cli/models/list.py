"""`models list`: what is configured or was added, and what of it is on disk."""

import asyncio

from rich.console import Console
from rich.table import Table

from cli.console import out
from cli.models.catalogue import catalogue_of
from cli.settings import Settings
from engine import Model
from engine.hub import human_size
from engine.models.origins import disk_usage_of

UNBOUNDED = 1000
"""Columns: nothing is folded or cut, the source stands last and may run over the edge."""


def show_models(settings: Settings) -> None:
    """Show a table of the models; the default one and those added by command are marked."""
    catalogue = asyncio.run(catalogue_of(settings))
    table = Table("", "model", "on disk", "size", "defaults", "source", box=None, pad_edge=False)
    for model in catalogue:
        usage = disk_usage_of(model, allow_pickle=settings.engine.allow_pickle)
        table.add_row(
            "*" if model is catalogue.default else "+" if model.added else "",
            model.name,
            usage.presence,
            human_size(usage.size) if usage.size else "",
            _defaults(model),
            "built in" if model is catalogue["sketch"] else model.source,
        )
    Console(highlight=False, markup=False, emoji=False, width=UNBOUNDED).print(table)
    if any(model.added for model in catalogue):
        out.print("+ was added by command; `models remove` takes it out.", style="dim")
    out.print("* is used where a server has not chosen another.", style="dim")


def _defaults(model: Model) -> str:
    return (
        f"{model.width}×{model.height}, {model.num_inference_steps} steps, "
        f"guidance {model.guidance_scale:g}, {model.scheduler}"
    )
