"""The command line after `loras`."""

from typing import Annotated

import typer

from cli.options import Config, Yes, settings_of

loras_app = typer.Typer(help="List, add and remove LoRAs.")


@loras_app.callback(invoke_without_command=True)
def loras(context: typer.Context, config: Config = None) -> None:
    """List, add and remove LoRAs. Lists them if no command is given."""
    context.obj = config or context.obj
    if context.invoked_subcommand is None:
        list_loras(context)


@loras_app.command("list")
def list_loras(context: typer.Context, config: Config = None) -> None:
    """List configured and added LoRAs, and the files in the folder of LoRAs."""
    from cli.loras import show_loras

    show_loras(settings_of(context, config))


@loras_app.command()
def add(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A Civitai link or civitai:NUMBER, a Hub ID (owner/name), a file on the Hub "
            "(owner/name/file), or a local file.",
        ),
    ],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Name to give it.")] = None,
    weight: Annotated[
        float | None, typer.Option(metavar="N", min=-4, max=4, help="Default weight.")
    ] = None,
    trigger: Annotated[
        str | None, typer.Option(metavar="WORDS", help="Trigger words it was trained on.")
    ] = None,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Show what a LoRA is for, then download and add it."""
    from cli.loras import LoraOptions, add_lora

    options = LoraOptions(source, name, weight, trigger)
    add_lora(settings_of(context, config), options, ask=not yes)


@loras_app.command()
def remove(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A LoRA added with a command.")],
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Remove an added LoRA and free its disk space."""
    from cli.loras import remove_lora

    remove_lora(settings_of(context, config), name, ask=not yes)
