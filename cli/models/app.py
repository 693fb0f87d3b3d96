"""The command line after `models`."""

from typing import Annotated

import typer

from cli.options import Config, Yes, settings_of

models_app = typer.Typer(help="List, add, remove, plan and verify models.")


@models_app.callback(invoke_without_command=True)
def models(context: typer.Context, config: Config = None) -> None:
    """List, add, remove, plan and verify models. Lists them if no command is given."""
    context.obj = config or context.obj
    if context.invoked_subcommand is None:
        list_models(context)


@models_app.command("list")
def list_models(context: typer.Context, config: Config = None) -> None:
    """List configured and added models, and which are on disk."""
    from cli.models.list import show_models

    show_models(settings_of(context, config))


@models_app.command()
def add(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A Hub ID (owner/name), a file on the Hub (owner/name/file), a link to one of "
            "them, or a local folder or file. The name of a known model downloads it now.",
        ),
    ],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Name to give it.")] = None,
    revision: Annotated[
        str | None, typer.Option(metavar="REF", help="Branch, tag or commit.")
    ] = None,
    variant: Annotated[
        str | None, typer.Option(metavar="NAME", help="Weight variant, such as fp16.")
    ] = None,
    denoiser: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A .gguf or .safetensors file to use instead of the source's own denoiser.",
        ),
    ] = None,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Show what a model is and whether it fits, then download and add it."""
    from cli.models.add import AddOptions, add_model

    options = AddOptions(source, name, revision, variant, denoiser)
    add_model(settings_of(context, config), options, ask=not yes)


@models_app.command()
def remove(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model added with a command.")],
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Remove an added model and free its disk space."""
    from cli.models.remove import remove_model

    remove_model(settings_of(context, config), name, ask=not yes)


@models_app.command()
def plan(
    context: typer.Context,
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL_OR_SOURCE", help="A model's name, or a source like for `add`."
        ),
    ],
    vram: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Plan for a card with this memory, like 8GB.")
    ] = None,
    ram: Annotated[
        str | None, typer.Option(metavar="SIZE", help="With --vram: and this much RAM, like 16GB.")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="With --vram: cuda (default), xpu (Intel) or mps (Mac)."),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Picture size, like 1024x1024.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Pictures per batch.")
    ] = None,
    quantize: Annotated[
        str | None,
        typer.Option(metavar="WAY", help="Overrides the `quantize` setting, like nf4 or never."),
    ] = None,
    config: Config = None,
) -> None:
    """Show where a model's parts are kept, how much memory it needs, and why it can't be faster."""
    from cli.models.plan import PlanOptions, show_plan_of

    options = PlanOptions(vram, ram, device, size, batch, quantize)
    raise typer.Exit(show_plan_of(settings_of(context, config), model, options))


@models_app.command()
def verify(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A model. Default: all models on disk.")
    ] = None,
    config: Config = None,
) -> None:
    """Check model files against the Hub's checksums and report damage."""
    from cli.models.verify import verify_models

    verify_models(settings_of(context, config), name)
