"""The command line: commands, arguments and options.

Each command imports what it needs when it's called, which keeps `--help` from loading torch,
discord.py or pydantic.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.backup import commands
from cli.exits import Exit
from cli.hub.app import hub_app
from cli.loras_app import loras_app
from cli.models.app import models_app
from cli.options import Config, settings_of
from cli.prompt_command import PromptCommand
from cli.service.app import service_app
from cli.training.command import train
from cli.worker.app import worker_app

CODES = "; ".join(f"{code.value} {code.meaning}" for code in Exit)

app = typer.Typer(
    help="Atelier, a Discord bot that paints pictures on your own machine. Runs the bot if no "
    "command is given.",
    epilog=f"Exit codes: {CODES}.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(models_app, name="models")
app.add_typer(loras_app, name="loras")
app.add_typer(hub_app, name="hub")
app.add_typer(service_app, name="service")
app.add_typer(worker_app, name="worker")
for command in (commands.backup, commands.restore, commands.data, train):
    app.command()(command)


def _file(text: str) -> Any:
    """An option that takes an existing file."""
    return typer.Option(metavar="FILE", exists=True, dir_okay=False, readable=True, help=text)


def _show_version(asked: bool) -> None:
    if asked:
        from cli.program import version

        typer.echo(f"Atelier {version()}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
    ),
]


@app.callback(invoke_without_command=True)
def root(context: typer.Context, version: Version = False, config: Config = None) -> None:
    """Keep the settings file for the command; run the bot if there's no command."""
    context.obj = config
    if context.invoked_subcommand is None:
        run(context)


@app.command()
def run(context: typer.Context, config: Config = None) -> None:
    """Run the bot. Ctrl-C or SIGTERM shuts it down; a second one stops it immediately."""
    from cli.run import run

    run(settings_of(context, config), config or context.obj)


@app.command(cls=PromptCommand)
def imagine(
    context: typer.Context,
    prompt: Annotated[
        str,
        typer.Argument(
            metavar="PROMPT",
            help="What the picture shows. Flags go inside its quotes, like 'a red house --ar 3:2', "
            "and braces paint several, like 'a {red, blue} house'.",
        ),
    ],
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="A model from `models list`.")
    ] = None,
    negative_prompt: Annotated[
        str, typer.Option(metavar="TEXT", help="What the picture shouldn't show.")
    ] = "",
    width: Annotated[int | None, typer.Option(metavar="PIXELS", help="Width.")] = None,
    height: Annotated[int | None, typer.Option(metavar="PIXELS", help="Height.")] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", help="Denoising steps.")] = None,
    guidance: Annotated[
        float | None, typer.Option(metavar="N", help="How closely to follow the prompt, 0 to 30.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="The same seed and settings give the same picture."),
    ] = None,
    count: Annotated[int, typer.Option(metavar="N", help="How many pictures, 1 to 4.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="NAME", help="Sampling method, such as euler_a.")
    ] = None,
    image: Annotated[Path | None, _file("The start image (img2img).")] = None,
    mask: Annotated[
        Path | None, _file("What to repaint: white areas in a picture of the same shape.")
    ] = None,
    reference: Annotated[
        list[Path] | None,
        _file("A picture to edit or to take something from; repeat it for several."),
    ] = None,
    control: Annotated[
        Path | None, _file("A picture to paint along, such as a pose or a drawing.")
    ] = None,
    control_type: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE",
            help="Along what of it: pose, depth, edges, lines or tile; pose-map, depth-map, "
            "edges-map or lines-map if it is such a map already.",
        ),
    ] = None,
    control_strength: Annotated[
        float, typer.Option(metavar="N", help="How strictly to paint along it, up to 2.")
    ] = 1.0,
    control_start: Annotated[
        float, typer.Option(metavar="N", help="From which share of the steps on, 0 to 1.")
    ] = 0.0,
    control_end: Annotated[
        float, typer.Option(metavar="N", help="Up to which share of the steps, 0 to 1.")
    ] = 1.0,
    strength: Annotated[
        float | None,
        typer.Option(metavar="N", help="How much to change the start image, 0.05 to 1."),
    ] = None,
    lora: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[+][:WEIGHT]",
            help="A LoRA; with + its trigger words are added. Repeat the option for several.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to save. Default: imagine/ in the data folder."),
    ] = None,
    config: Config = None,
) -> None:
    """Paint a picture without Discord. Works while the bot is running."""
    from cli.imagine import Inputs, imagine
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
    inputs = Inputs(
        image,
        mask,
        reference or (),
        lora or (),
        control,
        control_type,
        control_strength,
        control_start,
        control_end,
    )
    imagine(settings_of(context, config), request, inputs, out)


@app.command()
def check(context: typer.Context, config: Config = None) -> None:
    """Check settings, token, device, memory, disk and models, and report problems."""
    from cli.check import check

    raise typer.Exit(check(config or context.obj))


@app.command()
def invite(
    context: typer.Context,
    client_id: Annotated[
        int | None,
        typer.Option(metavar="ID", help="The application's ID. Default: read from the token."),
    ] = None,
    config: Config = None,
) -> None:
    """Print the link that adds the bot to a server with the permissions it needs."""
    from cli.invite import show_invite

    show_invite(settings_of(context, config), client_id)


@app.command()
def init(
    context: typer.Context,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read the bot's token from standard input.")
    ] = False,
    login: Annotated[
        bool, typer.Option("--login/--no-login", help="Try the token at Discord.")
    ] = True,
    admin_roles: Annotated[
        str | None,
        typer.Option(metavar="IDS", help="Roles that can manage the bot, separated by commas."),
    ] = None,
    folder: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Folder for the database and pictures."),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="auto, cuda, xpu, mps or cpu; commas separate several cards."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="SOURCE", help="The default model: a Hub ID, a folder, or sketch."),
    ] = None,
    service: Annotated[
        bool | None,
        typer.Option(
            "--service/--no-service",
            help="Install a service that starts the bot by itself.",
            show_default=False,
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: keep every default.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing file without asking.")
    ] = False,
    config: Config = None,
) -> None:
    """Guide from a token to a bot that can run, and write the settings file."""
    from cli.init.answers import Answers
    from cli.init.guide import init

    given = Answers(
        token_stdin=token_stdin,
        login=login,
        admin_roles=admin_roles,
        folder=folder,
        device=device,
        model=model,
        service=service,
        yes=yes,
        force=force,
    )
    init(config or context.obj, given)
