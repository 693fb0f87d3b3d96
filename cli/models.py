"""`models`: what is configured, and what of it is on disk."""

from rich.console import Console
from rich.table import Table

from cli.console import out
from cli.inventory import human_size, stock_of
from cli.settings import Settings
from engine import Catalogue, Model

UNBOUNDED = 1000
"""Columns: nothing is folded or cut, the source stands last and may run over the edge."""


def show_models(settings: Settings) -> None:
    """Show a table of the models; the default one is marked."""
    catalogue = Catalogue(settings.models, settings.engine.default_model)
    table = Table("", "model", "on disk", "size", "defaults", "source", box=None, pad_edge=False)
    for model in catalogue:
        stock = stock_of(model)
        table.add_row(
            "*" if model is catalogue.default else "",
            model.name,
            stock.presence,
            human_size(stock.size) if stock.size else "",
            _defaults(model),
            "built in" if model is catalogue["sketch"] else model.source,
        )
    Console(highlight=False, markup=False, emoji=False, width=UNBOUNDED).print(table)
    out.print("* is used where a server has not chosen another.", style="dim")


def _defaults(model: Model) -> str:
    return (
        f"{model.width}×{model.height}, {model.num_inference_steps} steps, "
        f"guidance {model.guidance_scale:g}, {model.scheduler}"
    )
