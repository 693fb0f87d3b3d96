"""The commands about the data folder."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import Config, settings_of


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    pictures: Annotated[
        bool, typer.Option("--pictures", help="With finished pictures and start images.")
    ] = False,
    loras: Annotated[
        bool, typer.Option("--loras", help="With the files in loras/, embeddings/ and training/.")
    ] = False,
    tokens: Annotated[
        bool, typer.Option("--tokens", help="With tokens; keep the file to yourself then.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the file if it exists.")
    ] = False,
    config: Config = None,
) -> None:
    """Write the database and the settings into one file. Works while the bot is running."""
    from cli.backup.write import Choices, backup
    from cli.settings import settings_file
    from cli.signals import ending_in_order

    choices = Choices(pictures, loras, tokens, replace)
    asked = config or context.obj
    settings = settings_of(context, config)
    with ending_in_order():
        backup(settings, settings_file(asked), file, choices)


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `backup` has written.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace what the data folder has of it.")
    ] = False,
    config: Config = None,
) -> None:
    """Put a backup into an empty data folder. The bot must not be running on it."""
    from cli.backup.restore import restore
    from cli.signals import ending_in_order

    with ending_in_order():
        restore(file, config or context.obj, replace=replace)


def data(context: typer.Context, config: Config = None) -> None:
    """Show what takes how much: database, pictures, LoRAs, models, caches."""
    from cli.backup.usage import show_usage

    show_usage(settings_of(context, config))
