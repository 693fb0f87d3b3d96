"""The command line after `service`."""

from typing import Annotated

import typer

from cli.options import Config, settings_of

service_app = typer.Typer(
    help="Run the bot as a service of systemd, launchd or Windows.", no_args_is_help=True
)

Name = Annotated[
    str, typer.Option(metavar="NAME", help="The service's name, if you run several bots.")
]
Print = Annotated[bool, typer.Option("--print", help="Only print the file that would be written.")]


@service_app.callback()
def service(context: typer.Context, config: Config = None) -> None:
    """Run the bot as a service of systemd, launchd or Windows."""
    context.obj = config or context.obj


@service_app.command()
def install(
    context: typer.Context, name: Name = "atelier", show: Print = False, config: Config = None
) -> None:
    """Install a service that starts the bot by itself and restarts it, and start it."""
    from cli.service.install import install
    from cli.service.install import show as show_file
    from cli.settings import settings_file

    action = show_file if show else install
    action(settings_of(context, config), settings_file(config or context.obj), name)


@service_app.command()
def remove(context: typer.Context, name: Name = "atelier", config: Config = None) -> None:
    """Stop the service and remove it."""
    from cli.service.install import remove
    from cli.settings import settings_file

    remove(settings_file(config or context.obj), name)
