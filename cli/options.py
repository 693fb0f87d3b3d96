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
    """The settings from the file given before or after the command's name.

    A data folder that a restore has left half-way is put back as it was.
    """
    from cli.backup.swap import undo_interrupted
    from cli.settings import load_settings

    settings = load_settings(config or context.obj)
    undo_interrupted(settings.storage.path)
    return settings
