"""Options that commands share, and the settings that they lead to."""

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
        help="The settings file. Without one config.toml is read, if it is there.",
        show_default=False,
    ),
]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def settings_of(context: typer.Context, config: Path | None) -> "Settings":
    """The settings of the file that was named, before the command or after it."""
    from cli.settings import load_settings

    return load_settings(config or context.obj)
