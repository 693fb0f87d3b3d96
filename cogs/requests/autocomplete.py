"""What Discord offers while somebody types an option, or the values of an axis."""

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
    """Knows what there is to choose from where somebody types."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def option(self, kind: str, interaction: Interaction, current: str) -> list[Choice[str]]:
        """What goes on from `current`: models, sizes, schedulers, styles or LoRAs."""
        context = await request_context(interaction)
        match kind:
            case "model":
                allowed = context.models.allowed
                models = (m for m in self._studio.models if allowed is None or m.name in allowed)
                return model_choices(models, current)
            case "size":
                return size_choices(await self._chosen(interaction), current)
            case "scheduler":
                model = await self._chosen(interaction)
                return scheduler_choices(allowed_schedulers(model.family), current)
            case "style":
                return style_choices(context.styles, current)
            case "lora":
                model = await self._chosen(interaction)
                return lora_choices(self._studio.adapters, model, current)
            case _:
                return []

    async def _chosen(self, interaction: Interaction) -> Model:
        """The model that has been picked so far, else the server's."""
        named = interaction.namespace.model
        if isinstance(named, str) and named in self._studio.models:
            return self._studio.models[named]
        return (await request_context(interaction)).models.model


class OptionAutocomplete:
    """What the cogs of commands that paint share: the same options complete in the same way."""

    _completions: OptionChoices

    async def _models(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return await self._completions.option("model", interaction, current)

    async def _sizes(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return await self._completions.option("size", interaction, current)

    async def _schedulers(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return await self._completions.option("scheduler", interaction, current)

    async def _styles(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return await self._completions.option("style", interaction, current)

    async def _loras(self, interaction: Interaction, current: str) -> list[Choice[str]]:
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
