"""Buttons, menus, layouts and modals, as people use them."""

from __future__ import annotations

import re
from typing import Any

import discord
from discord import ui

from tests.discord_server import Upload

from .conftest import Scene
from .painter_bot import Interaction, file, picture


class Again(ui.View):
    """A row with a button, a disabled button and a menu below."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.add_item(ui.Button(label="Again", custom_id="again"))
        self.add_item(ui.Button(label="Later", custom_id="later", disabled=True))
        options = [discord.SelectOption(label=name.title(), value=name) for name in ("red", "blue")]
        self.add_item(ui.Select(custom_id="colour", placeholder="Colour", options=options, row=1))


class Describe(ui.Modal, title="Describe it"):
    """A modal in today's style: labels around fields."""

    prompt: ui.Label[Describe] = ui.Label(
        text="Prompt", component=ui.TextInput(custom_id="prompt", default="a house", max_length=20)
    )
    colour: ui.Label[Describe] = ui.Label(
        text="Colour",
        component=ui.Select(
            custom_id="modal-colour", options=[discord.SelectOption(label="Red", value="red")]
        ),
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        prompt, colour = self.prompt.component, self.colour.component
        assert isinstance(prompt, ui.TextInput)
        assert isinstance(colour, ui.Select)
        await interaction.response.send_message(f"{colour.values[0]} {prompt.value}")


async def test_buttons_update_the_message_or_answer(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.send_message("painted", view=Again())

    async def pressed(interaction: Interaction) -> None:
        assert interaction.message is not None
        if interaction.message.content == "painted":
            await interaction.response.edit_message(content="painted again")
        else:
            await interaction.response.defer()
            await interaction.followup.send("enough", ephemeral=True)

    scene.bot.pressed = pressed
    message = await (await scene.alice.slash(scene.art, "act")).message()
    assert message.labels == ["Again"]
    click = await scene.bob.click(message, label="Again")
    assert await click.message() is message
    assert message.text() == "painted again"
    second = await scene.bob.click(message, custom_id="again")
    assert (await second.followup()).content == "enough"


async def test_menus_are_picked_from(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.send_message("which?", view=Again())

    async def pressed(interaction: Interaction) -> None:
        assert interaction.data is not None
        await interaction.response.send_message(str(interaction.data.get("values")))

    scene.bot.pressed = pressed
    message = await (await scene.alice.slash(scene.art, "act")).message()
    answer = await scene.alice.select(message, "Blue", placeholder="Colour")
    assert (await answer.message()).content == "['blue']"


async def test_a_modal_is_filled_in(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.send_modal(Describe())

    modal = await (await scene.alice.slash(scene.art, "act")).modal()
    assert modal.title == "Describe it"
    assert modal.prefilled() == {"Prompt": "a house"}
    use = await scene.alice.submit(modal, {"Prompt": "a tree", "modal-colour": "Red"})
    assert (await use.message()).content == "red a tree"


async def test_a_layout_shows_attachments(scene: Scene) -> None:
    class Layout(ui.LayoutView):
        text = ui.TextDisplay[ui.LayoutView]("## A red house")
        pictures = ui.MediaGallery[ui.LayoutView](
            discord.MediaGalleryItem("attachment://red.png", description="red")
        )
        row = ui.ActionRow[ui.LayoutView](ui.Button(label="Again", custom_id="again"))

    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.defer(thinking=True)
        await interaction.edit_original_response(view=Layout(), attachments=[file()])
        message = await interaction.original_response()
        again = ui.LayoutView.from_message(message)
        await message.edit(view=again)

    use = await scene.alice.slash(scene.art, "act")
    message = await use.message()
    await scene.discord.until(lambda: len(message.looks) == 3)
    assert message.text() == "## A red house"
    assert message.labels == ["Again"]
    media = message.components[1]["items"][0]["media"]
    assert media["url"] == message.attachments[0].url


class Count(ui.DynamicItem[ui.Button[ui.View]], template=r"count:(?P<number>\d+)"):
    """A button that keeps its state in its custom_id."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(ui.Button(label=f"Count {number}", custom_id=f"count:{number}"))

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]
    ) -> Count:
        return cls(int(match["number"]))

    async def callback(self, interaction: discord.Interaction) -> None:
        view = ui.View(timeout=None)
        view.add_item(Count(self.number + 1))
        await interaction.response.edit_message(view=view)


async def test_dynamic_items_are_rebuilt_from_their_id(scene: Scene) -> None:
    scene.bot.add_dynamic_items(Count)

    @scene.act
    async def script(interaction: Interaction) -> None:
        view = ui.View(timeout=None)
        view.add_item(Count(1))
        await interaction.response.send_message("how often?", view=view)

    message = await (await scene.alice.slash(scene.art, "act")).message()
    await scene.alice.click(message, label="Count 1")
    await scene.bob.click(message, label="Count 2")
    assert message.labels == ["Count 3"]


async def test_views_hear_their_own_buttons(scene: Scene) -> None:
    class Once(ui.View):
        @ui.button(label="Stop")
        async def stop_it(self, interaction: discord.Interaction, button: ui.Button[Once]) -> None:
            button.disabled = True
            await interaction.response.edit_message(content="stopped", view=self)

    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await interaction.followup.send("running", view=Once())

    message = await (await scene.alice.slash(scene.art, "act")).message()
    click = await scene.alice.click(message, label="Stop")
    assert (await click.message()).content == "stopped"
    assert message.buttons[0]["disabled"]


class Survey(ui.Modal, title="Survey"):
    """A modal with every kind of field that is not text."""

    def __init__(self) -> None:
        super().__init__()
        self.file = ui.FileUpload[Survey](custom_id="file")
        self.radio = ui.RadioGroup[Survey](
            custom_id="radio",
            options=[
                discord.RadioGroupOption(label="Wide"),
                discord.RadioGroupOption(label="Tall"),
            ],
        )
        self.group = ui.CheckboxGroup[Survey](
            custom_id="group",
            options=[discord.CheckboxGroupOption(label=name) for name in ("Sun", "Rain")],
        )
        self.box = ui.Checkbox[Survey](custom_id="box")
        self.people = ui.UserSelect[Survey](custom_id="people")
        for name in ("file", "radio", "group", "box", "people"):
            self.add_item(ui.Label(text=name.title(), component=getattr(self, name)))

    async def on_submit(self, interaction: discord.Interaction) -> None:
        names = [each.filename for each in self.file.values]
        people = [each.name for each in self.people.values]
        text = f"{names} {self.radio.value} {self.group.values} {self.box.value} {people}"
        await interaction.response.send_message(text)


async def test_modals_have_fields_of_every_kind(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.send_modal(Survey())

    modal = await (await scene.alice.slash(scene.art, "act")).modal()
    values = {
        "File": Upload("a.png", picture()),
        "Radio": "Tall",
        "Group": ["Sun", "Rain"],
        "Box": True,
        "People": scene.bob,
    }
    use = await scene.alice.submit(modal, values)
    assert (await use.message()).content == "['a.png'] Tall ['Sun', 'Rain'] True ['bob']"


async def test_menus_of_people_roles_and_channels(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        view = ui.View(timeout=None)
        view.add_item(ui.UserSelect(custom_id="user", max_values=2))
        view.add_item(ui.RoleSelect(custom_id="role"))
        view.add_item(ui.ChannelSelect(custom_id="channel"))
        await interaction.response.send_message("whom?", view=view)

    async def pressed(interaction: Interaction) -> None:
        assert interaction.data is not None
        resolved: Any = interaction.data["resolved"]  # type: ignore[typeddict-item]
        await interaction.response.send_message(" ".join(sorted(resolved)))

    scene.bot.pressed = pressed
    vip = scene.guild.add_role("vip")
    message = await (await scene.alice.slash(scene.art, "act")).message()
    for menu, values, resolved in (
        ("user", [scene.alice, scene.bob], "members users"),
        ("role", [vip], "roles"),
        ("channel", [scene.art], "channels"),
    ):
        answer = await scene.alice.select(message, *values, custom_id=menu)
        assert (await answer.message()).content == resolved
