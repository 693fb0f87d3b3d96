"""`models list`: configured and added models, and which are on disk."""

import asyncio

from rich.table import Table

from cli.console import out, tables
from cli.models.catalogue import catalogue_of
from cli.settings import Settings
from engine import Model, human_size
from engine.models.origins import disk_usage_of
from speech import say_many


def show_models(settings: Settings) -> None:
    """Print a table of the models; marks the default and those added with a command."""
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
    tables.print(table)
    if any(model.added for model in catalogue):
        out.print("+ added with a command; `models remove` removes it", style="dim")
    out.print("* the default model", style="dim")


def _defaults(model: Model) -> str:
    steps = say_many("{number} step", "{number} steps", model.num_inference_steps)
    size, guidance = f"{model.width}×{model.height}", f"guidance {model.guidance_scale:g}"
    return ", ".join((size, steps, guidance, model.scheduler))
