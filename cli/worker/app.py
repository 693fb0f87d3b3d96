"""The command line after `worker`."""

from typing import Annotated

import typer

from cli.options import Config, settings_of

worker_app = typer.Typer(help="Paint for a bot on another machine, and invite machines that do.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="What to call the worker.")]


@worker_app.callback(invoke_without_command=True)
def worker(
    context: typer.Context,
    join: Annotated[
        str | None,
        typer.Option(
            metavar="LINE",
            help="The invitation, in quotes; - reads it from standard input. It is kept, so later "
            "starts need none.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which worker, if this machine has several invitations."),
    ] = None,
    config: Config = None,
) -> None:
    """Paint for a bot on another machine. Ctrl-C or SIGTERM gives its jobs back and stops."""
    context.obj = config or context.obj
    if context.invoked_subcommand is None:
        from cli.worker.join import join_bot

        join_bot(settings_of(context, config), join, name)


@worker_app.command()
def invite(context: typer.Context, name: Name, config: Config = None) -> None:
    """On the bot's machine: print the line that lets another machine paint for it."""
    from cli.worker.invite import invite_worker

    invite_worker(settings_of(context, config), name)


@worker_app.command()
def revoke(context: typer.Context, name: Name, config: Config = None) -> None:
    """On the bot's machine: end an invitation; that worker is cut off."""
    from cli.worker.invite import revoke_worker

    revoke_worker(settings_of(context, config), name)


@worker_app.command("list")
def list_workers(context: typer.Context, config: Config = None) -> None:
    """List the workers that were invited here, and the invitations that this machine has taken."""
    from cli.worker.invite import show_workers

    show_workers(settings_of(context, config))


@worker_app.command()
def pause(context: typer.Context, config: Config = None) -> None:
    """Pause the worker of this machine: its jobs go to others. It stays paused until `resume`."""
    from cli.worker.join import set_paused

    set_paused(settings_of(context, config), paused=True)


@worker_app.command()
def resume(context: typer.Context, config: Config = None) -> None:
    """Let the worker of this machine paint again."""
    from cli.worker.join import set_paused

    set_paused(settings_of(context, config), paused=False)
