"""The command line: what can be typed, and which file does it.

Each command imports what it needs when it is called, so that `--help` does not wait for torch,
discord.py or pydantic.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import Exit

if TYPE_CHECKING:
    from cli.settings import Settings

CODES = ", ".join(f"{code.value} {code.meaning}" for code in Exit)

app = typer.Typer(
    help="Atelier: a Discord bot that paints pictures on your own machine. Without a command it "
    "runs the bot.",
    epilog=f"Exit codes: {CODES}.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

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


def _settings(context: typer.Context, config: Path | None) -> "Settings":
    from cli.settings import load_settings

    return load_settings(config or context.obj)


@app.callback(invoke_without_command=True)
def door(context: typer.Context, config: Config = None) -> None:
    """Remember the settings file; without a command, run the bot."""
    context.obj = config
    if context.invoked_subcommand is None:
        run(context)


@app.command()
def run(context: typer.Context, config: Config = None) -> None:
    """Run the bot until Ctrl-C or SIGTERM; a second one stops it at once."""
    from cli.run import run

    run(_settings(context, config))


@app.command()
def imagine(
    context: typer.Context,
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="What the picture should show.")],
    model: Annotated[str | None, typer.Option(help="One of those that `models` lists.")] = None,
    negative_prompt: Annotated[str, typer.Option(help="What it should not show.")] = "",
    width: Annotated[int | None, typer.Option(help="In pixels.")] = None,
    height: Annotated[int | None, typer.Option(help="In pixels.")] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps.")] = None,
    guidance: Annotated[float | None, typer.Option(help="How closely to follow.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed paints the same.")] = None,
    count: Annotated[int, typer.Option(help="How many pictures.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where they go; without it, imagine/ in the data folder."),
    ] = None,
    config: Config = None,
) -> None:
    """Paint from the command line, without Discord; also beside a running bot."""
    from cli.imagine import imagine
    from engine import ImageRequest

    request = ImageRequest(
        prompt=prompt,
        negative_prompt=negative_prompt,
        model=model,
        width=width,
        height=height,
        num_inference_steps=steps,
        guidance_scale=guidance,
        seed=seed,
        count=count,
    )
    imagine(_settings(context, config), request, out)


@app.command()
def check(context: typer.Context, config: Config = None) -> None:
    """Look at settings, token, device, memory, disk and models, and say what is amiss."""
    from cli.check import check

    raise typer.Exit(check(config or context.obj))


@app.command()
def models(context: typer.Context, config: Config = None) -> None:
    """List the models: what is configured, what is on disk."""
    from cli.models import show_models

    show_models(_settings(context, config))


@app.command()
def invite(
    context: typer.Context,
    client_id: Annotated[
        int | None,
        typer.Option(help="The application's id; without it, the one inside the token."),
    ] = None,
    config: Config = None,
) -> None:
    """Print the link that adds the bot with exactly the permissions that it needs."""
    from cli.invite import show_invite

    show_invite(_settings(context, config), client_id)


@app.command()
def init(context: typer.Context, config: Config = None) -> None:
    """Ask for what is needed and write the settings file."""
    from cli.init import init

    init(config or context.obj)
