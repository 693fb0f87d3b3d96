"""The guide: asks what isn't given, shows what it found, and writes the settings at the end."""

from pathlib import Path
from shlex import quote

import typer

from cli.console import out
from cli.errors import CommandError, complain
from cli.exits import Exit
from cli.init.account import Account, account_for
from cli.init.answers import Answers, check_possible
from cli.init.device import choose_device
from cli.init.file import Sections, write_settings
from cli.init.model import choose_model, model_sections
from cli.init.reading import read_folder, read_ids
from cli.init.service import service_wanted
from cli.invite import invite_link
from cli.program import program
from cli.service.install import DEFAULT_NAME, install
from cli.settings import DEFAULT_FILE, TOKEN_VARIABLE
from engine import EngineSettings
from engine.local_paths import exists
from engine.settings import BUILT_IN_MODEL

PORTAL = "https://discord.com/developers/applications"


def init(config: Path | None, given: Answers) -> None:
    """Ask for what isn't given, and write the answers to `config`, or to `config.toml`.

    Nothing is written before the last question, and nothing is asked without a terminal.

    Raises:
        CommandError: An answer can't be used, the user cancels, or there can be no service.
        DeviceUnavailable: When this machine doesn't have the device.
        StorageError: When the file isn't writable.
    """
    file = config or DEFAULT_FILE
    check_possible(file, given)
    try:
        account, sections, with_service = _answers(file, given)
    except (typer.Abort, KeyboardInterrupt):
        raise CommandError(Exit.INTERRUPTED, "Nothing was written.") from None
    settings = write_settings(file, sections)
    out.print(f"\n✓ Wrote {file}. config.example.toml lists every setting.", style="green")
    _show_next(file, account, sections, with_service)
    if with_service:
        try:
            install(settings, file, DEFAULT_NAME)
        except CommandError as error:
            if given.service:
                raise
            complain(str(error))


def _answers(file: Path, given: Answers) -> tuple[Account, Sections, bool]:
    """The bot's account, the sections of the file, and whether a service is wanted."""
    if exists(file) and not given.force:
        typer.confirm(f"{file} already exists. Replace it?", abort=True)
    _head("Discord", f"Get your bot's token at {PORTAL}: Bot page, Reset Token.", given)
    account = account_for(given)
    roles = given.take(
        given.admin_roles, "IDs of roles that can manage the bot, besides server managers", read_ids
    )
    folder = given.take(
        given.folder, "Folder for the database and pictures", read_folder(file), "data"
    )
    _head("Your machine", "", given)
    device = choose_device(given)
    _head("The model", "", given)
    source = choose_model(given, device)
    with_service = service_wanted(given, account)
    sections: Sections = {
        "discord": {"admin_roles": roles},
        "storage": {"path": folder if given.folder or given.asks else ""},
        "engine": {"device": _setting_of(device)},
    }
    if account.token and (with_service or not account.from_environment):
        sections["discord"] = {"token": account.token, **sections["discord"]}
    for name, values in model_sections(source).items():
        sections[name] = sections.get(name, {}) | values
    return account, sections, with_service


def _setting_of(device: str) -> str | list[str]:
    """What is written about the device; nothing of the default."""
    names = EngineSettings(device=device).devices
    if len(names) > 1:
        return list(names)
    return "" if device == "auto" else device


def _head(title: str, text: str, given: Answers) -> None:
    """The head of a part of the guide, for who reads along."""
    if given.asks:
        out.print(f"\n{title}", style="bold")
        if text:
            out.print(text)


def _show_next(file: Path, account: Account, sections: Sections, with_service: bool) -> None:
    """What to do now: the link, and the commands that come next."""
    if account.token is None:
        out.print(f"\nThe bot needs a token: write it to {file} as [discord] token, or set")
        out.print(f"{TOKEN_VARIABLE} in the environment.")
    if account.application is not None:
        out.print("\nAdd the bot to your server:")
        out.print(f"  {invite_link(account.application)}")
    model = sections["engine"].get("default_model", BUILT_IN_MODEL)
    called = program() if file == DEFAULT_FILE else f"{program()} --config {quote(str(file))}"
    lines = {
        f"{called} check": "checks that everything is ready",
        f"{called} models add {model}": "downloads the model now instead of with its first picture",
        f"{called} service install": "starts the bot by itself from now on",
        called: "runs the bot",
    }
    if model == BUILT_IN_MODEL:
        del lines[f"{called} models add {model}"]
    if with_service or account.token is None:
        del lines[f"{called} service install"]
    if with_service:
        del lines[called]
    out.print("\nThen:")
    width = max(map(len, lines))
    for command, does in lines.items():
        out.print(f"  {command:<{width}}  {does}")
