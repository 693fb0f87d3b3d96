"""What can be typed after `models`."""

from typing import Annotated

import typer

from cli.options import Config, Yes, settings_of

models_app = typer.Typer(help="List, add, remove, plan and verify models.")


@models_app.callback(invoke_without_command=True)
def models(context: typer.Context, config: Config = None) -> None:
    """List, add, remove, plan and verify models; without a command, list them."""
    context.obj = config or context.obj
    if context.invoked_subcommand is None:
        list_models(context)


@models_app.command("list")
def list_models(context: typer.Context, config: Config = None) -> None:
    """List the models: what is configured or was added, what is on disk."""
    from cli.models.list import show_models

    show_models(settings_of(context, config))


@models_app.command()
def add(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A Hub id, owner/name/file on the Hub, a folder or a file; or the name of a "
            "model that there is, to download it now.",
        ),
    ],
    name: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit.")] = None,
    variant: Annotated[str | None, typer.Option(help="Of the weights, such as fp16.")] = None,
    denoiser: Annotated[
        str | None, typer.Option(help="A file in place of the source's own denoiser.")
    ] = None,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Show what a model is and whether it fits, then download and add it."""
    from cli.models.add import Wanted, add_model

    add_model(
        settings_of(context, config), Wanted(source, name, revision, variant, denoiser), ask=not yes
    )


@models_app.command()
def remove(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="One that was added by command.")],
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Take a model out and free what it has on disk."""
    from cli.models.remove import remove_model

    remove_model(settings_of(context, config), name, ask=not yes)


@models_app.command()
def plan(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(metavar="MODEL_OR_SOURCE", help="A model's name, or any source.")
    ],
    vram: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Of a card that is not here, like 8GB.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Of a picture, like 1024x1024.")
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Pictures in a step.")] = None,
    quantize: Annotated[
        str | None, typer.Option(metavar="WAY", help="As [engine] quantize in the settings.")
    ] = None,
    config: Config = None,
) -> None:
    """Show how a model would run: what lives where, what it needs, and why not faster."""
    from cli.models.plan import Wanted, show_plan_of

    show_plan_of(settings_of(context, config), model, Wanted(vram, size, batch, quantize))


@models_app.command()
def verify(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Without one, all that are on disk.")
    ] = None,
    config: Config = None,
) -> None:
    """Read the files of a model and say which are damaged or missing."""
    from cli.models.verify import verify_models

    verify_models(settings_of(context, config), name)
