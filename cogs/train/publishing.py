"""Publishing a LoRA on the Hub: its owner sees the model card before anything leaves."""

import asyncio
import re
from contextlib import suppress
from typing import Any, Self

import aiohttp
import discord
from discord import ui

from cogs.context import Interaction
from cogs.markdown import escaped, fenced, in_code, in_markdown, shortened_markdown
from cogs.messages.dynamic_items import Persistent
from cogs.messages.encodings import Upload
from cogs.messages.throttle import MESSAGE_INTERVAL
from cogs.policy.access import Refused, require_owner
from cogs.policy.trainers import own_training
from cogs.train.acting import messages_of
from cogs.train.cards import STATES
from cogs.train.home import TrainingHome
from engine import (
    AtelierError,
    Proposal,
    Training,
    TrainingState,
    UploadProgress,
    human_size,
    recoded,
)
from speech import phrase, say

MAX_CARD = 2600
"""Characters of the card that are shown beside its file; the text of a message has 4000."""

SHEET_QUALITY = 85
"""Of the sheet of samples, in WebP."""

OWNER_ONLY = phrase("Only the bot's owner can publish LoRAs: they go to the owner's account.")

BUTTONS: dict[str, tuple[str, str, discord.ButtonStyle]] = {
    "private": (phrase("Publish privately"), "🔒", discord.ButtonStyle.primary),
    "public": (phrase("Publish publicly"), "🌍", discord.ButtonStyle.primary),
    "drop": (phrase("Cancel"), "✖️", discord.ButtonStyle.secondary),
}
"""Label, emoji and style by verb. The verbs must stay: old messages hold them."""


class PublishButton(
    Persistent,
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-train-publish:(?P<verb>private|public|drop):(?P<training_id>\d{1,18})"
    r":(?P<digest>[0-9a-f]{12})",
):
    """Publish what is shown, for the owner's account or for everybody, or don't."""

    def __init__(self, verb: str, training_id: int, digest: str) -> None:
        label, emoji, style = BUTTONS[verb]
        super().__init__(
            ui.Button(
                label=say(label),
                emoji=emoji,
                style=style,
                custom_id=f"atelier-train-publish:{verb}:{training_id}:{digest}",
            )
        )
        self._verb, self._training_id, self._digest = verb, training_id, digest

    @classmethod
    def rebuilt(cls, match: re.Match[str], item: ui.Item[Any]) -> Self:
        """The button from its custom ID."""
        return cls(match["verb"], int(match["training_id"]), match["digest"])

    async def act(self, interaction: Interaction) -> None:
        """Do it, if what would be published is what the message shows."""
        training = await _publishable(interaction, self._training_id)
        await interaction.response.defer()
        publishing = interaction.client.studio.publishing
        if self._verb == "drop":
            if not publishing.cancel(training.id):
                await _show(interaction, say("Nothing was published."))
            return
        with publishing.claim(training.id):
            await self._publish(interaction, training)

    async def _publish(self, interaction: Interaction, training: Training) -> None:
        home = TrainingHome.of(training)
        publishing = interaction.client.studio.publishing
        proposal = await publishing.propose(training.id, home.repo, home.licence)
        if proposal.digest != self._digest:
            raise Refused(
                say(
                    "What would be published has changed since this was shown. Use "
                    "`/train publish` again."
                )
            )
        await _publish(interaction, training, proposal, public=self._verb == "public")


async def propose(interaction: Interaction, training_id: int, repo: str, licence: str) -> None:
    """Show what publishing would upload, with buttons to do it."""
    training = await _publishable(interaction, training_id)
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio = interaction.client.studio
    proposal = await studio.publishing.propose(training.id, repo, licence)
    await messages_of(interaction).change_home(training, repo=repo, licence=licence)
    uploads = [Upload("README.md", proposal.publication.card.encode())]
    if proposal.sheet is not None:
        with suppress(OSError, SyntaxError):
            sheet = await asyncio.to_thread(recoded, proposal.sheet, "WEBP", SHEET_QUALITY)
            uploads.append(Upload("samples.webp", sheet))
    await interaction.edit_original_response(
        view=_proposal_view(
            training, proposal, with_sheet=len(uploads) > 1, spoilered=studio.safety.enabled
        ),
        attachments=[upload.file() for upload in uploads],
        allowed_mentions=discord.AllowedMentions.none(),
    )


async def _publishable(interaction: Interaction, training_id: int) -> Training:
    """The user's finished training. Raises `Refused` unless they own the bot, too."""
    require_owner(interaction, say(OWNER_ONLY))
    training = await own_training(interaction, training_id)
    if training.state is not TrainingState.FINISHED:
        raise Refused(
            say(
                "“{name}” is {state}. Only a finished one can be published.",
                name=escaped(training.name),
                state=say(STATES[training.state]),
            )
        )
    return training


def _proposal_view(
    training: Training, proposal: Proposal, *, with_sheet: bool, spoilered: bool
) -> ui.LayoutView:
    publication, there = proposal.publication, proposal.there
    lines = [
        say(
            "**{name}** would be published as `{repo}`: {count} files, {size}, with this model "
            "card. Nothing has left this machine yet.",
            name=escaped(training.name),
            repo=in_code(publication.repo),
            count=len(publication.files) + 1,
            size=human_size(publication.size),
        ),
        *(f"-# `{in_code(path)}`" for path in publication.files),
    ]
    if proposal.revealing:
        keys = ", ".join(f"`{in_code(key)}`" for key in proposal.revealing)
        lines.append("⚠️ " + say("Its metadata names folders of this machine: {keys}.", keys=keys))
    if there is not None and not there.empty:
        lines.append("⚠️ " + say("It is there already: its card and files are replaced."))
    if proposal.seen_already:
        lines.append("⚠️ " + say("Everybody can see it there."))
    lines.append(
        "-# " + say("Publish only what you may: people in the pictures have to agree to this, too.")
    )
    container: ui.Container[ui.LayoutView] = ui.Container(
        ui.TextDisplay("\n".join(lines)),
        ui.TextDisplay(shortened_markdown(fenced(publication.card), MAX_CARD)),
        ui.File("attachment://README.md"),
    )
    if with_sheet:
        sheet = discord.MediaGalleryItem(
            "attachment://samples.webp",
            description=say("Samples, a row for each time that they were painted"),
            spoiler=spoilered,
        )
        container.add_item(ui.MediaGallery(sheet))
    container.add_item(ui.ActionRow(*_buttons(training, proposal)))
    return ui.LayoutView(timeout=None).add_item(container)


def _buttons(training: Training, proposal: Proposal) -> list[PublishButton]:
    verbs = ("public", "drop") if proposal.seen_already else ("private", "public", "drop")
    return [PublishButton(verb, training.id, proposal.digest) for verb in verbs]


async def _publish(
    interaction: Interaction, training: Training, proposal: Proposal, *, public: bool
) -> None:
    """Upload it, with its progress in the message; in the end that it is there, or why not."""
    progress: list[UploadProgress] = []
    upload = asyncio.ensure_future(
        interaction.client.studio.publishing.publish(
            training.id, proposal, public=public, on_progress=progress.append
        )
    )
    buttons = _buttons(training, proposal)
    try:
        shown = 0
        while not upload.done():
            if len(progress) > shown:
                shown = len(progress)
                with suppress(discord.HTTPException, aiohttp.ClientError):
                    await _show(interaction, _progress(proposal, progress[-1]), *buttons)
            await asyncio.wait([upload], timeout=MESSAGE_INTERVAL if shown else 0.1)
        address = await upload
    except AtelierError as error:
        await _show_end(interaction, f"⚠️ {in_markdown(error.sentence)}", *buttons)
        return
    finally:
        upload.cancel()
    done = say("**{name}** is published: {address}", name=escaped(training.name), address=address)
    await _show_end(interaction, f"✅ {done}")


def _progress(proposal: Proposal, progress: UploadProgress) -> str:
    text = say(
        "Uploading `{file}` to `{repo}`: {done} of {total} are there.",
        file=in_code(progress.file),
        repo=in_code(proposal.publication.repo),
        done=human_size(progress.done),
        total=human_size(progress.total),
    )
    return f"⬆️ {text}"


async def _show_end(interaction: Interaction, text: str, *buttons: PublishButton) -> None:
    """Show how it has ended, in a direct message if the interaction's 15 minutes are over."""
    try:
        await _show(interaction, text, *buttons)
    except discord.HTTPException:
        await interaction.user.send(text)


async def _show(interaction: Interaction, text: str, *buttons: PublishButton) -> None:
    """Put a text in place of what the message shows."""
    view = ui.LayoutView(timeout=None).add_item(ui.TextDisplay(text))
    if buttons:
        view.add_item(ui.ActionRow(*buttons))
    await interaction.edit_original_response(
        view=view, attachments=[], allowed_mentions=discord.AllowedMentions.none()
    )
