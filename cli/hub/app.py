"""The command line after `hub`."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import Config, Yes, settings_of

hub_app = typer.Typer(
    help="Log in to the Hugging Face Hub, publish to it, and look into its cache.",
    no_args_is_help=True,
)


@hub_app.callback()
def hub(context: typer.Context, config: Config = None) -> None:
    """Log in to the Hugging Face Hub, publish to it, and look into its cache."""
    context.obj = config or context.obj


@hub_app.command()
def login(
    context: typer.Context,
    token: Annotated[
        str | None,
        typer.Option(metavar="-", help="Read the token from standard input. Default: ask for it."),
    ] = None,
    config: Config = None,
) -> None:
    """Store a token of the Hub where `hf` and this bot find it."""
    from cli.hub.login import login

    login(settings_of(context, config), token)


@hub_app.command()
def whoami(context: typer.Context, config: Config = None) -> None:
    """Show whose token is used and what it may do."""
    from cli.hub.whoami import whoami

    whoami(settings_of(context, config))


@hub_app.command()
def logout(context: typer.Context, config: Config = None) -> None:
    """Delete the stored tokens."""
    from cli.hub.logout import logout

    logout(settings_of(context, config))


@hub_app.command()
def cache(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="With --remove: what to remove. Default: ask."),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the named, or choose.")] = False,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Show what is in the Hugging Face cache: how large, when used, and needed by what."""
    from cli.hub.cache import remove_from_cache, show_cache

    settings = settings_of(context, config)
    if remove:
        remove_from_cache(settings, names or (), confirm=not yes)
    elif names:
        raise typer.BadParameter("Names are for --remove.")
    else:
        show_cache(settings)


@hub_app.command()
def push(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A LoRA or a model that is a file or folder of yours, or a folder."
        ),
    ],
    repo: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="Where to. Default: your account and its name."),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="For everybody to see. Default: private.")
    ] = False,
    base: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="What it was trained on. Default: read from it."),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Its licence, such as apache-2.0. Default: the base's."),
    ] = None,
    sample: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=True,
            help="A picture to show, with its prompt if the file has it; repeat it for several.",
        ),
    ] = None,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Show the model card of a LoRA or model of yours, then publish it on the Hub."""
    from cli.hub.push import PushOptions, push

    options = PushOptions(name, repo, public, base, licence, sample or ())
    push(settings_of(context, config), options, confirm=not yes)
