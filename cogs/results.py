"""From a result, go on: the buttons of each picture. They carry job and number alone."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui

from cogs.forms import remix_form, start_form
from cogs.picture_words import fenced, send_to_dm
from cogs.policy import require_room
from cogs.sizes import fitted_to
from engine import FAMILIES, ImageRequest, InvalidRequest, Model, Parent, parameters

if TYPE_CHECKING:
    from cogs.bot import Atelier

SUBTLE, STRONG = 0.35, 0.65
"""How far a variation leaves its picture behind."""

UPSCALE, UPSCALE_STRENGTH = 2, 0.35
"""Times as large, and how much of that picture is painted anew."""

MOST_IN_A_ROW = 5
"""Buttons in a row (Discord, "Action Row")."""

Act = Callable[["discord.Interaction[Atelier]", Parent], Awaitable[None]]


class PictureButton(
    ui.DynamicItem[ui.Button[Any]],
    template=r"atelier-picture:(?P<verb>[a-z]+):(?P<job_id>\d{1,19}):(?P<number>\d{1,2})",
):
    """A button that does `verb` to one picture of a job."""

    def __init__(self, verb: str, picture: Parent) -> None:
        label, emoji, self._act = VERBS[verb]
        super().__init__(
            ui.Button(
                label=label.format(picture.number + 1),
                emoji=emoji,
                custom_id=f"atelier-picture:{verb}:{picture.job_id}:{picture.number}",
            )
        )
        self._picture = picture

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button that was clicked, rebuilt from its id alone."""
        return cls(match["verb"], Parent(int(match["job_id"]), int(match["number"])))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do it, under the same policy and error handling as a command."""
        await interaction.client.tree.guard(
            interaction, lambda: self._act(interaction, self._picture)
        )


async def subtle(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Paint it again, much like it is."""
    await _vary(interaction, picture, SUBTLE)


async def strong(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Paint it again, rather unlike it is."""
    await _vary(interaction, picture, STRONG)


async def _vary(
    interaction: "discord.Interaction[Atelier]", picture: Parent, strength: float
) -> None:
    """From the picture with a new seed; a family that cannot start from one gets the new seed."""
    studio = interaction.client.studio
    recipe = (await studio.job(picture.job_id)).recipe
    request = replace(ImageRequest.of(recipe), seed=None, enlarged=1)
    if starts_from_pictures(studio.models[recipe.model]):
        await _think(interaction)
        image = await studio.start_from(picture)
        request = replace(request, image=image, mask=None, strength=strength)
        request = fitted_to(studio.models[recipe.model], request)
    await interaction.client.desk.take(interaction, request, picture)


async def upscale(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Paint it anew at twice the size, from itself, so that it gains detail."""
    studio = interaction.client.studio
    recipe = (await studio.job(picture.job_id)).recipe
    model = studio.models[recipe.model]
    if not starts_from_pictures(model):
        raise InvalidRequest(
            f"{model.name} cannot start from a picture, so it cannot paint this one larger: "
            "Upscale 2× (fast) works with any."
        )
    width, height = UPSCALE * recipe.width, UPSCALE * recipe.height
    if max(width, height) > model.max_upscaled_side:
        raise InvalidRequest(
            f"That would be {width}×{height}; {model.name} paints at most "
            f"{model.max_upscaled_side} pixels a side: Upscale 2× (fast) works with any."
        )
    await _think(interaction)
    request = replace(
        ImageRequest.of(recipe),
        image=await studio.start_from(picture),
        mask=None,
        strength=UPSCALE_STRENGTH,
        width=width,
        height=height,
        seed=recipe.seeds[picture.number],
        count=1,
        enlarged=1,
    )
    await interaction.client.desk.take(interaction, request, picture)


async def double(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Resize it to twice the size, without the painter."""
    await interaction.client.desk.enlarge(interaction, picture, 2)


async def quadruple(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Resize it to four times the size, without the painter."""
    await interaction.client.desk.enlarge(interaction, picture, 4)


async def start(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Ask what to make of it."""
    recipe = (await interaction.client.studio.job(picture.job_id)).recipe
    require_starting(interaction.client.studio.models[recipe.model])
    await interaction.response.send_modal(start_form(picture, recipe.prompt))


async def remix(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Show its settings to be changed."""
    recipe = (await interaction.client.studio.job(picture.job_id)).recipe
    request = replace(ImageRequest.of(recipe), seed=recipe.seeds[picture.number])
    await interaction.response.send_modal(remix_form(picture, request))


async def details(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Tell the settings as they are in the file, to whoever asked."""
    recipe = (await interaction.client.studio.job(picture.job_id)).recipe
    text = parameters(recipe, recipe.seeds[picture.number])
    await interaction.response.send_message(
        view=fenced(text), ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
    )


async def keep(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Send it to whoever clicked, as a direct message."""
    await send_to_dm(interaction, picture)


async def choose(interaction: "discord.Interaction[Atelier]", picture: Parent) -> None:
    """Show what can be done with this one of several pictures."""
    job = await interaction.client.studio.job(picture.job_id)
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay(f"Picture {picture.number + 1} of job {job.id}"))
    for row in _rows(picture, enlarged=job.recipe.enlarged > 1):
        view.add_item(row)
    await interaction.response.send_message(view=view, ephemeral=True)


async def _think(interaction: "discord.Interaction[Atelier]") -> None:
    """Everybody sees that an answer comes; what would rule it out is said before."""
    await require_room(interaction)
    await interaction.response.defer(thinking=True)


def starts_from_pictures(model: Model) -> bool:
    """Whether the model can start from a picture."""
    return model.family is not None and FAMILIES[model.family].image_to_image


def require_starting(model: Model) -> None:
    """Raise `InvalidRequest` unless the model can start from a picture."""
    if not starts_from_pictures(model):
        raise InvalidRequest(
            f"{model.name} cannot start from a picture: paint with a model that can "
            "(`/model list`)."
        )


VERBS: dict[str, tuple[str, str, Act]] = {
    "subtle": ("Vary (subtle)", "🌱", subtle),
    "strong": ("Vary (strong)", "🌿", strong),
    "upscale": ("Upscale 2×", "🔍", upscale),
    "double": ("Upscale 2× (fast)", "⏩", double),
    "quadruple": ("Upscale 4× (fast)", "⏭️", quadruple),
    "start": ("Use as start", "🖼️", start),
    "remix": ("Remix", "✏️", remix),
    "details": ("Details", "🧾", details),
    "dm": ("Send to DM", "📬", keep),
    "choose": ("Picture {}", "🖼️", choose),
    "begin": ("Start from picture {}", "🖼️", start),
}
"""Each with its label, emoji and what it does."""

GOING_ON = tuple(verb for verb in VERBS if verb not in ("choose", "begin"))
RESIZING = ("double", "quadruple")


def picture_rows(job_id: int, count: int, *, enlarged: bool) -> list[ui.ActionRow[ui.LayoutView]]:
    """The rows of buttons below `count` pictures: of one what it takes, of several a choice."""
    if count == 1:
        return _rows(Parent(job_id, 0), enlarged=enlarged)
    return [_row([PictureButton("choose", Parent(job_id, number)) for number in range(count)])]


def _rows(picture: Parent, *, enlarged: bool) -> list[ui.ActionRow[ui.LayoutView]]:
    verbs = [verb for verb in GOING_ON if not (enlarged and verb in RESIZING)]
    buttons = [PictureButton(verb, picture) for verb in verbs]
    return [
        _row(buttons[start : start + MOST_IN_A_ROW])
        for start in range(0, len(buttons), MOST_IN_A_ROW)
    ]


def _row(buttons: list[PictureButton]) -> ui.ActionRow[ui.LayoutView]:
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    for button in buttons:
        row.add_item(button)
    return row
