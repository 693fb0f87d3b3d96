"""The command line: what can be typed, and which file does it.

Each command imports what it needs when it is called, so that `--help` does not wait for torch,
discord.py or pydantic.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.exits import Exit
from cli.models.app import models_app
from cli.options import Config, settings_of

CODES = ", ".join(f"{code.value} {code.meaning}" for code in Exit)

app = typer.Typer(
    help="Atelier: a Discord bot that paints pictures on your own machine. Without a command it "
    "runs the bot.",
    epilog=f"Exit codes: {CODES}.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(models_app, name="models")


def _file(words: str) -> Any:
    """An option that takes an existing file."""
    return typer.Option(metavar="FILE", exists=True, dir_okay=False, readable=True, help=words)


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

    run(settings_of(context, config))


@app.command()
def imagine(
    context: typer.Context,
    prompt: Annotated[
        str, typer.Argument(metavar="PROMPT", help="What the picture should show; also --ar 3:2.")
    ],
    model: Annotated[str | None, typer.Option(help="One of those that `models` lists.")] = None,
    negative_prompt: Annotated[str, typer.Option(help="What it should not show.")] = "",
    width: Annotated[int | None, typer.Option(help="In pixels.")] = None,
    height: Annotated[int | None, typer.Option(help="In pixels.")] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps.")] = None,
    guidance: Annotated[float | None, typer.Option(help="How closely to follow.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed paints the same.")] = None,
    count: Annotated[int, typer.Option(help="How many pictures.")] = 1,
    scheduler: Annotated[str | None, typer.Option(help="Such as euler_a.")] = None,
    image: Annotated[Path | None, _file("A picture to start from.")] = None,
    mask: Annotated[Path | None, _file("What of it is painted anew is white here.")] = None,
    strength: Annotated[float | None, typer.Option(help="How far to leave it, 0 to 1.")] = None,
    lora: Annotated[
        list[str] | None, typer.Option(metavar="NAME[:WEIGHT]", help="May be given repeatedly.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where they go; without it, imagine/ in the data folder."),
    ] = None,
    config: Config = None,
) -> None:
    """Paint from the command line, without Discord; also beside a running bot."""
    from cli.imagine import Given, imagine
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
        scheduler=scheduler,
        strength=strength,
    )
    imagine(settings_of(context, config), request, Given(image, mask, lora or ()), out)


@app.command()
def check(context: typer.Context, config: Config = None) -> None:
    """Look at settings, token, device, memory, disk and models, and say what is amiss."""
    from cli.check import check

    raise typer.Exit(check(config or context.obj))


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

    show_invite(settings_of(context, config), client_id)


@app.command()
def init(context: typer.Context, config: Config = None) -> None:
    """Ask for what is needed and write the settings file."""
    from cli.init import init

    init(config or context.obj)
