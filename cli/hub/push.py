"""`hub push`: publishes a LoRA or a model."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import typer
from huggingface_hub.utils.tqdm import disable_progress_bars

from cli.console import err, out
from cli.errors import CommandError
from cli.exits import Exit
from cli.hub.errors import hub_errors
from cli.hub.publishables import publishable
from cli.program import program
from cli.questions import BadAnswer, ask, confirm
from cli.settings import Settings
from engine import InvalidRequest, human_size
from engine.hub import HubClient
from engine.hub.account import account_of
from engine.hub.model_card import CARD, CardLicence
from engine.hub.publishing import Publication, Standing, publish, standing
from engine.hub.sources import REPOSITORY
from engine.models.origins import hub_of
from engine.models.publication import (
    LICENCES,
    checked_licence,
    licence_of,
    publication_of,
    repository_of,
)
from engine.models.publishable import Publishable


class PushOptions(NamedTuple):
    """What to publish and how, as typed."""

    name: str
    repo: str | None = None
    public: bool = False
    base: str | None = None
    licence: str | None = None
    samples: Sequence[Path] = ()


def push(settings: Settings, options: PushOptions, *, confirm: bool) -> None:
    """Show the model card, then publish.

    Args:
        settings: The settings.
        options: What to publish.
        confirm: Whether to ask first.

    Raises:
        CommandError: When it can't be published, or the user cancels.
        StorageError: When the data folder is unusable.
    """
    hub = hub_of(settings.engine)
    with hub_errors():
        found = publishable(settings, options.name)
        repo = _repo(options, found, hub)
        publication = _publication(found, repo, options, ask_licence=confirm)
        there = standing(publication, hub)
        _show(found, publication, there)
        unasked = there is not None and not there.private and not publication.public
        if unasked and not confirm:
            raise CommandError(
                Exit.USAGE,
                f"Everybody sees {repo} on the Hub, and so they would what is uploaded. Add "
                "--public, make it private there first, or choose another --repo.",
            )
        publication = replace(publication, public=publication.public or unasked)
        if confirm:
            _confirm(publication, unasked=unasked)
        url = _publish(publication, hub)
    out.print(f"✓ Published: {url}", style="green")
    command = "loras" if found.is_lora else "models"
    out.print(f"To use it elsewhere: {program()} {command} add {repo}")


def _repo(options: PushOptions, found: Publishable, hub: HubClient) -> str:
    account = account_of(hub)
    try:
        return repository_of(found, options.repo or "", account)
    except InvalidRequest as error:
        raise CommandError(Exit.USAGE, str(error)) from error


def _publication(
    found: Publishable, repo: str, options: PushOptions, *, ask_licence: bool
) -> Publication:
    """What will be uploaded. Raises `CommandError` or `InvalidRequest`."""
    base = options.base or found.base_model
    if base is not None and not REPOSITORY.fullmatch(base):
        raise CommandError(Exit.USAGE, f"“{base}” isn't a Hub ID. Write OWNER/NAME after --base.")
    keep_card = found.card is not None and options.licence is None and options.base is None
    return publication_of(
        found,
        repo,
        None if keep_card else _licence(options, found, base, ask_licence=ask_licence),
        base=base,
        more_samples=options.samples,
        public=options.public,
    )


def _licence(
    options: PushOptions, found: Publishable, base: str | None, *, ask_licence: bool
) -> CardLicence:
    """The licence that was given, else that of the base, else the answer."""
    try:
        known = licence_of(found, base, options.licence)
        if known is not None:
            return known
        if ask_licence:
            return CardLicence(identifier=ask(f"Licence ({LICENCES})", _identifier))
    except InvalidRequest as error:
        raise CommandError(Exit.USAGE, str(error)) from None
    except typer.Abort:
        raise CommandError(Exit.INTERRUPTED, "Nothing was published.") from None
    raise CommandError(
        Exit.USAGE,
        f"The licence of “{found.name}” isn't known. Name it with --licence, such as "
        f"apache-2.0, or what it was trained on with --base. All licences: {LICENCES}",
    )


def _identifier(text: str) -> str:
    try:
        return checked_licence(text)
    except InvalidRequest as error:
        raise BadAnswer(str(error)) from None


def _show(found: Publishable, publication: Publication, there: Standing | None) -> None:
    out.print(f"{CARD} of {publication.repo}", style="bold")
    out.print(publication.card)
    out.print("Files", style="bold")
    for path, file in publication.files.items():
        size = len(file) if isinstance(file, bytes) else file.stat().st_size
        out.print(f"  {path}  {human_size(size)}")
    if found.revealing:
        keys = ", ".join(found.revealing)
        out.print(f"Its metadata names folders of this machine: {keys}", style="bold")
    if found.of_member:
        out.print(
            "It was trained in Discord: publish it only if its member agreed, and the people in "
            "the pictures did.",
            style="bold",
        )
    if there is not None and not (there.empty and there.private):
        seen = "" if there.private else ", for everybody to see"
        replaced = "" if there.empty else ": its card and files are replaced"
        out.print(f"{publication.repo} is there{seen}{replaced}.", style="bold")


def _confirm(publication: Publication, *, unasked: bool) -> None:
    """Ask whether to upload; who hasn't asked for that to be public has to say yes to it."""
    seen = "privately, for your account only"
    if publication.public:
        seen = "publicly, for everybody to see"
    question = f"Upload {human_size(publication.size)} to {publication.repo} {seen}?"
    confirm(question, "Nothing was published.", default=not unasked)


def _publish(publication: Publication, hub: HubClient) -> str:
    """Upload, with the progress bars of the Hub's client on a terminal."""
    if not err.is_terminal:
        disable_progress_bars()
    try:
        return publish(publication, hub)
    except KeyboardInterrupt:
        raise CommandError(
            Exit.INTERRUPTED, "Stopped. What's uploaded is kept; run the same command to resume."
        ) from None
