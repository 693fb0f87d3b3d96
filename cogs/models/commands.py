"""/model: listing and choosing models, and their defaults in a server."""

import asyncio
from dataclasses import replace

from discord import app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.markdown import escaped, in_markdown
from cogs.messages.replies import reply
from cogs.models.owner_commands import Name, OwnerCommands
from cogs.models.text import (
    current_model_text,
    defaults_text,
    disk_usage_line,
    measured_line,
    model_list_text,
    model_summary,
    plan_lines,
    rung_lines,
    speed_lines,
)
from cogs.policy.access import is_owner, require_manager
from cogs.policy.audit import record
from cogs.policy.contexts import scope_of
from cogs.policy.request_context import channel_language
from cogs.requests.choices import model_choices, model_list_choices, scheduler_choices
from cogs.requests.sizes import parse_image_size, size_choices
from engine import (
    MAX_GUIDANCE,
    MAX_STEPS,
    AtelierError,
    Model,
    ModelDefaults,
    Presence,
    Studio,
    allowed_schedulers,
    without_folders,
)
from speech import join_list, join_sentences, say, use_language


@app_commands.guild_only()
class Models(
    OwnerCommands,
    commands.GroupCog,
    group_name="model",
    group_description="The models that paint here",
):
    """The commands about models."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        super().__init__()

    @app_commands.command(name="list")
    async def list_models(self, interaction: Interaction) -> None:
        """Show the models you can paint with"""
        scope = scope_of(interaction)
        used = await self._studio.model_of(scope)
        allowed = await self._studio.server_models.allowed(scope)
        await reply(interaction, model_list_text(self._studio.models, used, allowed))

    @app_commands.command(name="use")
    @app_commands.describe(name="The server's default model")
    async def use_model(self, interaction: Interaction, name: Name) -> None:
        """Choose the model this server paints with"""
        require_manager(interaction)
        known_name = self._studio.models[name].name
        await interaction.response.defer(thinking=True)  # checking its files can take a while
        model = await self._studio.use_model(known_name, scope_of(interaction))
        await record(interaction, say("set the model to {name}", name=escaped(model.name)))
        with use_language(await channel_language(interaction)):
            text = say(
                "This server now paints with **{name}**. Jobs already queued keep their model.",
                name=escaped(model.name),
            )
        await interaction.followup.send(text)

    @app_commands.command(name="info")
    @app_commands.describe(name="Which model; this server's model if omitted")
    async def model_info(self, interaction: Interaction, name: Name | None = None) -> None:
        """Show what a model is good at, its defaults and how fast it is here"""
        scope = scope_of(interaction)
        model = self._studio.models[name] if name else await self._studio.model_of(scope)
        await interaction.response.defer(ephemeral=True, thinking=True)
        defaults = await self._studio.server_models.defaults(scope, model.name)
        model_manager = self._studio.model_manager
        measured = await model_manager.measured(model.name)
        usage = await asyncio.to_thread(model_manager.disk_usage, model.name)
        licence = await model_manager.licence(model.name)
        lines = [model_summary(model, defaults, licence), *speed_lines(model, defaults, measured)]
        if is_owner(interaction):
            lines += [disk_usage_line(usage), *(measured_line(each) for each in measured)]
            lines += await self._plan_lines(model)
        elif usage.presence is not Presence.COMPLETE:
            lines.append(disk_usage_line(usage))
        await reply(interaction, "\n".join(lines))

    async def _plan_lines(self, model: Model) -> list[str]:
        """The lines about the model's memory plan, or why there is none."""
        try:
            plan = await self._studio.model_manager.plan(model.name)
        except AtelierError as error:
            return [f"⚠️ {in_markdown(without_folders(error.sentence))}"]
        return [*plan_lines(plan), *rung_lines(plan)]

    @app_commands.command(name="default")
    @app_commands.describe(
        name="Which model",
        steps="Default denoising steps",
        guidance="Default guidance",
        size="Default shape and size",
        scheduler="Default scheduler",
    )
    async def model_default(
        self,
        interaction: Interaction,
        name: Name,
        steps: Range[int, 1, MAX_STEPS] | None = None,
        guidance: Range[float, 0.0, MAX_GUIDANCE] | None = None,
        size: Range[str, 3, 20] | None = None,
        scheduler: Range[str, 1, 50] | None = None,
    ) -> None:
        """Set a model's defaults in this server; the name alone resets them"""
        require_manager(interaction)
        width, height = parse_image_size(size, self._studio.models[name])
        chosen = ModelDefaults(
            num_inference_steps=steps,
            guidance_scale=guidance,
            width=width,
            height=height,
            scheduler=scheduler,
        ).chosen

        def change(stored: ModelDefaults) -> ModelDefaults:
            return replace(stored, **chosen) if chosen else ModelDefaults()  # type: ignore[arg-type]

        defaults = await self._studio.server_models.change_defaults(
            scope_of(interaction), name, change
        )
        shown = escaped(name)
        if chosen:
            text = defaults_text(defaults)
            audit_text = say("set the defaults of {name} to {choices}", name=shown, choices=text)
            reply_text = say("Defaults of **{name}** here: {choices}.", name=shown, choices=text)
        else:
            audit_text = say("reset the defaults of {name}", name=shown)
            reply_text = say("**{name}** now uses its own defaults here.", name=shown)
        await record(interaction, audit_text)
        await reply(interaction, reply_text)

    @app_commands.command(name="allow")
    @app_commands.describe(names="Names separated by commas; all are allowed if omitted")
    async def allow_models(
        self, interaction: Interaction, names: Range[str, 1, 300] | None = None
    ) -> None:
        """Choose the models allowed in this server"""
        require_manager(interaction)
        scope, server_models = scope_of(interaction), self._studio.server_models
        allowed = [name.strip() for name in (names or "").split(",") if name.strip()]
        await server_models.allow(scope, allowed)
        used = await self._studio.model_of(scope)
        shown = [escaped(name) for name in allowed]
        if allowed:
            audit_text = say("limited the models to {names}", names=join_list(shown))
            reply_text = say("Models allowed here: {names}.", names=join_list(shown))
        else:
            audit_text = say("allowed all models")
            reply_text = say("All models are allowed here.")
        await record(interaction, audit_text)
        await reply(interaction, join_sentences(reply_text, current_model_text(used)))

    @use_model.autocomplete("name")
    @model_info.autocomplete("name")
    @model_default.autocomplete("name")
    async def _complete_name(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return model_choices(self._studio.models, current)

    @allow_models.autocomplete("names")
    async def _complete_names(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return model_list_choices(self._studio.models, current)

    @model_default.autocomplete("size")
    async def _complete_size(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return size_choices(self._named(interaction), current)

    @model_default.autocomplete("scheduler")
    async def _complete_scheduler(
        self, interaction: Interaction, current: str
    ) -> list[Choice[str]]:
        return scheduler_choices(allowed_schedulers(self._named(interaction).family), current)

    def _named(self, interaction: Interaction) -> Model:
        return self._studio.models.find(interaction.namespace.name)
