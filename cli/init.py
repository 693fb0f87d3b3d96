"""`init`: asks a few questions and writes the settings file."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

import typer

from cli.console import out
from cli.errors import CommandError
from cli.exits import Exit
from cli.program import program
from cli.questions import BadAnswer, ask, one_of
from cli.settings import DEFAULT_FILE, load_settings
from cli.starting_model import ask_for_model, model_sections, read_model, suggestions_for
from cli.token import application_id
from cli.writable import why_not_writable
from engine import DeviceUnavailable, EngineSettings, StorageError
from engine.local_paths import exists, expanded
from engine.settings import BUILT_IN_MODEL, Offloading

PORTAL = "https://discord.com/developers/applications"
PARTIAL = ".partial"
DEVICES = ("auto", "cuda", "xpu", "mps", "cpu")


class Answers(NamedTuple):
    """Answers from the command line; `None` is asked for.

    Attributes:
        device: Where pictures are painted.
        model: The source of the default model, or `sketch`.
        folder: Where the database and the pictures are kept.
        yes: Whether nothing is asked: what isn't answered here keeps its default.
        force: Whether an existing file is replaced without asking.
    """

    device: str | None = None
    model: str | None = None
    folder: str | None = None
    yes: bool = False
    force: bool = False


def init(config: Path | None, given: Answers) -> None:
    """Ask, and write the answers to `config`, or to `config.toml`.

    Raises:
        CommandError: When it can't ask, an answer can't be used, or the user cancels.
        DeviceUnavailable: When nothing is asked, and this machine doesn't have the device.
        StorageError: When the file isn't writable.
    """
    file = config or DEFAULT_FILE
    _check_possible(file, given)
    try:
        text = _toml(_without_questions(given) if given.yes else _ask_all(file, given))
    except typer.Abort:
        raise CommandError(Exit.INTERRUPTED, "Nothing was written.") from None
    _write(file, text)
    load_settings(file)
    out.print(f"\n✓ Wrote {file}. config.example.toml lists every setting.")
    called = program()
    out.print(f"  {called} check   checks that everything is ready")
    out.print(f"  {called} invite  prints the link that adds the bot to your server")
    out.print(f"  {called}         runs the bot")


def _check_possible(file: Path, given: Answers) -> None:
    """Check before the questions that their answers can be had, used and written."""
    if exists(file) and not file.is_file():
        raise StorageError(f"{file} can't be written: it isn't a file.")
    if (reason := why_not_writable(file.with_name(file.name + PARTIAL))) is not None:
        raise StorageError(f"{file} can't be written: {reason}.")
    if not given.yes and not sys.stdin.isatty():
        raise CommandError(
            Exit.USAGE,
            "init asks questions, so it needs a terminal. Without one, add --yes to keep the "
            "defaults, and set DISCORD_TOKEN.",
        )
    if given.yes and not given.force and exists(file):
        raise CommandError(Exit.USAGE, f"{file} already exists. Add --force to replace it.")
    try:
        if given.device is not None:
            one_of(DEVICES)(given.device)
        if given.model is not None:
            read_model(given.model)
        if given.folder is not None:
            _folder(given.folder, file)
    except BadAnswer as error:
        raise CommandError(Exit.USAGE, str(error)) from None
    load_settings(Path(os.devnull))  # what the environment says


def _without_questions(given: Answers) -> dict[str, dict[str, Any]]:
    """The sections of the file: what is given, and defaults."""
    engine = EngineSettings(device=given.device or "auto")
    source = given.model
    if source is None:
        _, suggestions = suggestions_for(engine)
        source = suggestions[0].source if suggestions else BUILT_IN_MODEL
    sections = {"storage": {"path": given.folder or ""}, "engine": {"device": given.device or ""}}
    return _merged(sections, model_sections(source))


def _ask_all(file: Path, given: Answers) -> dict[str, dict[str, Any]]:
    """The sections of the file, from the owner's answers. Raises `typer.Abort`."""
    if exists(file) and not given.force:
        typer.confirm(f"{file} already exists. Replace it?", abort=True)
    out.print(f"Press Enter to keep a default. Get your bot token at {PORTAL}.\n")
    discord = {
        "token": ask("Bot token (hidden; leave empty if you set DISCORD_TOKEN)", _token, hide=True),
        "admin_roles": ask("IDs of roles that can manage the bot, besides server managers", _ids),
    }
    folder = given.folder or ask(
        "Folder for the database and pictures", lambda answer: _folder(answer, file), "data"
    )
    engine, source = _engine(given)
    sections: dict[str, dict[str, Any]] = {
        "discord": discord,
        "storage": {"path": folder},
        "engine": engine,
    }
    return _merged(sections, model_sections(source))


def _engine(given: Answers) -> tuple[dict[str, Any], str]:
    """The engine's section, and the source of its default model."""
    while True:
        device = given.device or ask(f"Device ({', '.join(DEVICES)})", one_of(DEVICES), "auto")
        engine = {"device": device}
        if device in ("auto", "cuda"):
            out.print("Where weights are kept on a GPU. auto picks the fastest way that fits.")
            ways = get_args(Offloading)
            engine["offload"] = ask(f"Offload ({', '.join(ways)})", one_of(ways), "auto")
        if given.model is not None:
            return engine, given.model
        try:
            found = suggestions_for(EngineSettings.model_validate(engine))
        except DeviceUnavailable as error:
            if given.device is not None:
                raise
            out.print(str(error))
        else:
            return engine, ask_for_model(*found)


def _token(answer: str) -> str:
    if answer and application_id(answer) is None:
        raise BadAnswer(
            "That isn't a bot token (three parts separated by dots). Copy it from the Bot page."
        )
    return answer


def _ids(answer: str) -> list[int]:
    words = answer.replace(",", " ").split()
    if all(word.isascii() and word.isdigit() and 0 < int(word) < 2**63 for word in words):
        return [int(word) for word in words]
    raise BadAnswer("IDs are numbers. Turn on Developer Mode in Discord to copy them.")


def _folder(answer: str, file: Path) -> str:
    """The folder as written; a relative one starts at the settings file."""
    if (reason := why_not_writable(file.absolute().parent / expanded(answer))) is not None:
        raise BadAnswer(f"The folder {answer} can't be used: {reason}.")
    return answer


def _merged(*parts: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    sections: dict[str, dict[str, Any]] = {}
    for part in parts:
        for name, values in part.items():
            sections[name] = sections.get(name, {}) | values
    return sections


def _toml(sections: dict[str, dict[str, Any]]) -> str:
    """The sections as TOML, without empty values. JSON values are valid TOML."""
    lines = ["# Written by `init`. config.example.toml lists every setting.", ""]
    for name, values in sections.items():
        given = {key: value for key, value in values.items() if value}
        if given:
            lines.append(f"[{name}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in given.items()]
            lines.append("")
    return "\n".join(lines)


def _write(file: Path, text: str) -> None:
    """Write the file atomically, readable only by its owner since it holds the token."""
    partial = file.with_name(file.name + PARTIAL)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StorageError(f"{file} can't be written: {error.strerror}.") from error
