"""Options that commands share, and loading the settings they name."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cli.settings import Settings

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="Settings file. Default: config.toml, if it exists.",
        show_default=False,
    ),
]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask for confirmation.")]


def settings_of(context: typer.Context, config: Path | None) -> "Settings":
    """The settings from the file given before or after the command's name."""
    from cli.settings import load_settings

    return load_settings(config or context.obj)
