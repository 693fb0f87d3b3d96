"""/style: prompt templates that a server has named."""

import re
from typing import Any

import discord
from discord import app_commands, ui
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.markdown import escaped, escaped_line, in_code
from cogs.messages.modals import ModalCog, field_values
from cogs.messages.replies import reply
from cogs.messages.text import shortened
from cogs.policy.access import require_manager
from cogs.policy.audit import record
from cogs.policy.contexts import scope_of
from cogs.requests.choices import style_choices
from engine import MAX_PROMPT, STYLE_PLACE, Studio, Style, check_style_name
from speech import say

Name = Range[str, 1, 50]

FORM = re.compile(r"atelier-style:(?P<name>[\w.-]{1,50})")
"""The custom ID of a style's modal, with the style's name."""


class StyleModal(ui.Modal):
    """Asks for the contents of a style. `Styles` handles it, even after a restart."""

    def __init__(self, style: Style) -> None:
        super().__init__(
            title=shortened(say("Style {name}", name=style.name), 45),
            custom_id=f"atelier-style:{style.name}",
        )
        max_length = MAX_PROMPT // 2
        hint = say("{place} in ink, cross-hatched", place=STYLE_PLACE)
        template = say("Template (include {place})", place=STYLE_PLACE)
        self._add("prompt", template, style.prompt, max_length, hint)
        self._add("negative_prompt", say("Negative prompt"), style.negative_prompt, max_length)
        self._add("model", say("Model (empty for the server's model)"), style.model or "", 50)

    def _add(
        self, key: str, label: str, value: str, max_length: int, hint: str | None = None
    ) -> None:
        field: ui.TextInput[Any] = ui.TextInput(
            custom_id=key,
            style=discord.TextStyle.short if max_length <= 50 else discord.TextStyle.paragraph,
            default=value,
            placeholder=hint,
            required=key == "prompt",
            max_length=max_length,
        )
        self.add_item(ui.Label(text=label, component=field))


@app_commands.guild_only()
class Styles(
    ModalCog,
    commands.GroupCog,
    group_name="style",
    group_description="Reusable styles for prompts",
):
    """The commands about styles."""

    form = FORM

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._styles = studio.styles
        super().__init__()

    @app_commands.command(name="list")
    async def list_styles(self, interaction: Interaction) -> None:
        """Show the styles of this server"""
        styles = (await self._styles.all(scope_of(interaction))).values()
        if not styles:
            await reply(interaction, say("No styles here yet. Add one with `/style add`."))
            return
        await reply(interaction, "\n".join(map(style_line, styles)))

    @app_commands.command(name="add")
    @app_commands.describe(name="The name of the style")
    async def add_style(self, interaction: Interaction, name: Name) -> None:
        """Add a style for everyone in this server"""
        require_manager(interaction)
        check_style_name(name)
        if name.casefold() in await self._styles.all(scope_of(interaction)):
            await reply(
                interaction,
                say(
                    "The style “{name}” already exists. Change it with `/style edit`.",
                    name=escaped(name),
                ),
            )
            return
        await interaction.response.send_modal(StyleModal(Style(name=name, prompt="")))

    @app_commands.command(name="edit")
    @app_commands.describe(name="Which style")
    async def edit_style(self, interaction: Interaction, name: Name) -> None:
        """Change a style of this server"""
        require_manager(interaction)
        style = await self._styles.get(scope_of(interaction), name)
        await interaction.response.send_modal(StyleModal(style))

    @app_commands.command(name="remove")
    @app_commands.describe(name="Which style")
    async def remove_style(self, interaction: Interaction, name: Name) -> None:
        """Remove a style of this server"""
        require_manager(interaction)
        style = await self._styles.remove(scope_of(interaction), name)
        await record(interaction, say("removed the style {name}", name=escaped(style.name)))
        await reply(interaction, say("Removed the style **{name}**.", name=escaped(style.name)))

    @edit_style.autocomplete("name")
    @remove_style.autocomplete("name")
    async def _complete_name(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return style_choices(await self._styles.all(scope_of(interaction)), current)

    async def submitted(self, interaction: Interaction, match: re.Match[str]) -> None:
        """Save what was entered for a style."""
        name = match["name"]
        require_manager(interaction)
        fields = field_values(interaction)
        model = self._studio.models[fields["model"]].name if fields["model"] else None
        style = Style(
            name=name,
            prompt=fields["prompt"],
            negative_prompt=fields["negative_prompt"],
            model=model,
        )
        await self._styles.save(scope_of(interaction), style)
        await record(interaction, say("saved the style {name}", name=escaped(name)))
        saved = say("Saved. Use it with `/imagine style:{name}`.", name=in_code(name))
        await reply(interaction, f"{saved}\n{style_line(style)}")


def style_line(style: Style) -> str:
    parts = [shortened(" ".join(style.prompt.split()), 100)]
    if style.negative_prompt:
        negative_prompt = shortened(" ".join(style.negative_prompt.split()), 60)
        parts.append(say("without {nots}", nots=negative_prompt))
    if style.model:
        parts.append(style.model)
    return f"- **{escaped(style.name)}** {escaped_line(' · '.join(parts))}"
