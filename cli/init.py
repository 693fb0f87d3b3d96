"""`init`: asks a few questions and writes the settings file."""

import json
import os
import sys
from pathlib import Path
from typing import Any, get_args

import typer

from cli.console import out
from cli.errors import CommandError
from cli.exits import Exit
from cli.program import program
from cli.settings import DEFAULT_FILE, load_settings
from cli.token import application_id
from engine import StorageError
from engine.local_paths import exists
from engine.settings import Offloading

PORTAL = "https://discord.com/developers/applications"


def init(config: Path | None) -> None:
    """Ask, and write the answers to `config`, or to `config.toml`.

    Raises:
        CommandError: When there's no terminal, or the user cancels.
        StorageError: When the file isn't writable.
    """
    file = config or DEFAULT_FILE
    _check_writable(file)
    if not sys.stdin.isatty():
        raise CommandError(
            Exit.USAGE,
            "init asks questions, so it needs a terminal. Without one, copy "
            f"config.example.toml to {file} and edit it, or set DISCORD_TOKEN.",
        )
    try:
        if file.exists() and not typer.confirm(f"{file} already exists. Replace it?"):
            raise typer.Abort
        out.print(f"Press Enter to keep a default. Get your bot token at {PORTAL}.\n")
        text = _toml({"discord": _discord(), "storage": _storage(), "engine": _engine()})
    except typer.Abort:
        raise CommandError(Exit.INTERRUPTED, "Nothing was written.") from None
    _write(file, text)
    load_settings(file)
    out.print(f"\n✓ Wrote {file}. config.example.toml lists every setting.")
    called = program()
    out.print(f"  {called} check   checks that everything is ready")
    out.print(f"  {called} invite  prints the link that adds the bot to your server")
    out.print(f"  {called}         runs the bot")


def _check_writable(file: Path) -> None:
    """Check before the questions that their answers can be written. Raises `StorageError`."""
    folder = next((place for place in file.absolute().parents if exists(place)), None)
    if exists(file) and not file.is_file():
        raise StorageError(f"{file} can't be written: it isn't a file.")
    if folder is None or not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise StorageError(f"{file} can't be written: {folder} isn't a writable folder.")


def _discord() -> dict[str, Any]:
    return {
        "token": _token(),
        "admin_roles": _ids("IDs of roles that can manage the bot, besides server managers"),
    }


def _token() -> str:
    while True:
        token = _ask("Bot token (hidden; leave empty if you set DISCORD_TOKEN)", hide=True)
        if not token or application_id(token) is not None:
            return token
        out.print(
            "That isn't a bot token (three parts separated by dots). Copy it from the Bot page."
        )


def _ids(question: str) -> list[int]:
    while True:
        words = _ask(question).replace(",", " ").split()
        if all(word.isascii() and word.isdigit() and 0 < int(word) < 2**63 for word in words):
            return [int(word) for word in words]
        out.print("IDs are numbers. Turn on Developer Mode in Discord to copy them.")


def _storage() -> dict[str, Any]:
    return {"path": _ask("Folder for the database and pictures", "data")}


def _engine() -> dict[str, Any]:
    device = _choose("Device", ["auto", "cuda", "mps", "cpu"], "auto")
    if device not in ("auto", "cuda"):
        return {"device": device}
    out.print("Where weights are kept on a GPU. auto picks the fastest way that fits your card.")
    return {
        "device": device,
        "offload": _choose("Offload", list(get_args(Offloading)), "auto"),
    }


def _choose(question: str, choices: list[str], default: str) -> str:
    while True:
        answer = _ask(f"{question} ({', '.join(choices)})", default)
        if answer in choices:
            return answer
        out.print(f"Enter one of {', '.join(choices)}.")


def _ask(question: str, default: str = "", *, hide: bool = False) -> str:
    answer = typer.prompt(question, default, hide_input=hide, show_default=bool(default))
    return str(answer).strip()


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
    partial = file.with_name(file.name + ".partial")
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
