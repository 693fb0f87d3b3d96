"""What Discord offers while somebody types an option, or the values of an axis."""

from typing import TYPE_CHECKING, Any, TypeVar

import discord
from discord.app_commands import Choice, Command

from cogs.grids.axes import AXIS_KINDS, NONE
from cogs.models.text import model_choices, scheduler_choices
from cogs.requests.loras import lora_choices
from cogs.requests.sizes import size_choices
from cogs.requests.submission import scope_of
from cogs.styles.styles import style_choices
from engine import Model, Studio, StyleBook, allowed_schedulers

if TYPE_CHECKING:
    from cogs.bot import Atelier

AnyCommand = TypeVar("AnyCommand", bound=Command[Any, ..., Any])

MOST_CHOICES = 25
LONGEST = 100
"""Discord's limits for autocomplete, and for the name and the value of a choice."""


class OptionChoices:
    """Knows what there is to choose from where somebody types."""

    def __init__(self, studio: Studio, book: StyleBook) -> None:
        self._studio = studio
        self._book = book

    async def option(
        self, kind: str, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        """What goes on from `current`: models, sizes, schedulers, styles or LoRAs."""
        scope = scope_of(interaction)
        match kind:
            case "model":
                allowed = await self._studio.server_models.allowed(scope)
                models = (m for m in self._studio.models if allowed is None or m.name in allowed)
                return model_choices(models, current)
            case "size":
                return size_choices(await self._chosen(interaction), current)
            case "scheduler":
                model = await self._chosen(interaction)
                return scheduler_choices(allowed_schedulers(model.family), current)
            case "style":
                return style_choices(await self._book.all(scope), current)
            case "lora":
                model = await self._chosen(interaction)
                return lora_choices(self._studio.adapters, model, current)
            case _:
                return []

    async def axis(
        self, kind: object, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        """The same for the last of several values; those before it stay as they are."""
        if kind not in AXIS_KINDS or not isinstance(kind, str):
            return []
        if examples := AXIS_KINDS[kind].examples:
            found = [each for each in examples if each.startswith(current.strip())]
            return [Choice(name=each, value=each) for each in found]
        before, comma, typed = current.rpartition(",")
        before = f"{before.strip()}, " if comma else ""
        found = [each.value for each in await self.option(kind, interaction, typed.strip())]
        if kind == "lora" and NONE.startswith(typed.strip().casefold()):
            found.append(NONE)
        taken = {each.strip() for each in before.split(",")}
        return [
            Choice(name=before + value, value=before + value)
            for value in found
            if len(before + value) <= LONGEST and value not in taken
        ][:MOST_CHOICES]

    async def _chosen(self, interaction: "discord.Interaction[Atelier]") -> Model:
        """The model that has been picked so far, else the server's."""
        named = interaction.namespace.model
        if isinstance(named, str) and named in self._studio.models:
            return self._studio.models[named]
        return await self._studio.model_of(scope_of(interaction))


class OptionAutocomplete:
    """What the cogs of commands that paint share: the same options complete in the same way."""

    _completions: OptionChoices

    async def _models(
        self, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        return await self._completions.option("model", interaction, current)

    async def _sizes(
        self, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        return await self._completions.option("size", interaction, current)

    async def _schedulers(
        self, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        return await self._completions.option("scheduler", interaction, current)

    async def _styles(
        self, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        return await self._completions.option("style", interaction, current)

    async def _loras(
        self, interaction: "discord.Interaction[Atelier]", current: str
    ) -> list[Choice[str]]:
        return await self._completions.option("lora", interaction, current)

    @classmethod
    def options(cls, command: AnyCommand) -> AnyCommand:
        """Have the options of `command`, which is in a cog of this kind, complete."""
        command.autocomplete("model")(cls._models)
        command.autocomplete("size")(cls._sizes)
        command.autocomplete("scheduler")(cls._schedulers)
        command.autocomplete("style")(cls._styles)
        command.autocomplete("lora")(cls._loras)
        return command
