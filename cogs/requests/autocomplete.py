"""Autocomplete for the options of `/imagine` and `/grid`, and for the values of an axis."""

from typing import Any, TypeVar

from discord.app_commands import Choice, Command

from cogs.context import Interaction
from cogs.policy.request_context import request_context
from cogs.requests.choices import model_choices, scheduler_choices, style_choices
from cogs.requests.loras import lora_choices
from cogs.requests.sizes import size_choices
from engine import Model, Studio, allowed_schedulers

AnyCommand = TypeVar("AnyCommand", bound=Command[Any, ..., Any])


class OptionChoices:
    """Finds the choices for an option, by the server, the model and what is typed."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def find(self, kind: str, interaction: Interaction, current: str) -> list[Choice[str]]:
        """The choices that match `current`.

        Args:
            kind: "model", "size", "scheduler", "style" or "lora".
            interaction: The autocomplete interaction.
            current: What has been typed.
        """
        context = await request_context(interaction)
        match kind:
            case "model":
                allowed = context.models.allowed
                models = (m for m in self._studio.models if allowed is None or m.name in allowed)
                return model_choices(models, current)
            case "size":
                return size_choices(await self._selected_model(interaction), current)
            case "scheduler":
                model = await self._selected_model(interaction)
                return scheduler_choices(allowed_schedulers(model.family), current)
            case "style":
                return style_choices(context.styles, current)
            case "lora":
                model = await self._selected_model(interaction)
                adapters = self._studio.adapters.seen_by(context.scope, context.owner)
                return lora_choices(adapters, model, current)
            case _:
                return []

    async def _selected_model(self, interaction: Interaction) -> Model:
        """The model chosen in the command so far, else the server's."""
        name = interaction.namespace.model
        if isinstance(name, str) and name in self._studio.models:
            return self._studio.models[name]
        return (await request_context(interaction)).models.model


class OptionAutocomplete:
    """A mixin for cogs whose commands have these options."""

    _choices: OptionChoices

    async def _models(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return await self._choices.find("model", interaction, current)

    async def _sizes(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return await self._choices.find("size", interaction, current)

    async def _schedulers(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return await self._choices.find("scheduler", interaction, current)

    async def _styles(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return await self._choices.find("style", interaction, current)

    async def _loras(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return await self._choices.find("lora", interaction, current)

    @classmethod
    def add_to(cls, command: AnyCommand) -> AnyCommand:
        """Add autocomplete to the options of `command`, a command of a cog with this mixin."""
        command.autocomplete("model")(cls._models)
        command.autocomplete("size")(cls._sizes)
        command.autocomplete("scheduler")(cls._schedulers)
        command.autocomplete("style")(cls._styles)
        command.autocomplete("lora")(cls._loras)
        return command
