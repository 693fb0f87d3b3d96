"""/imagine with a control picture: painted along it, in its shape, and never shown to others."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from diffusers import UNet2DConditionModel
from PIL import Image

from engine import ControlSettings
from tests.cogs.app import App, number, settings_line, told
from tests.cogs.generate.test_masks import photo, upload
from tests.tiny.controlnet import controlnet


@pytest.fixture
def control_app(app: App, tmp_path: Path) -> App:
    """A server where tiny models can be controlled by edges, tiles and poses."""
    unet = UNet2DConditionModel.from_pretrained(app.weights, subfolder="unet")
    folder = controlnet(tmp_path / "network", unet)
    types = ("edges", "tile", "pose")
    app.controls = {"all": ControlSettings(source=str(folder), family="sd", types=types)}
    return app


async def test_a_picture_is_painted_along_another_and_again_after_that(control_app: App) -> None:
    app = control_app
    async with app.open() as bot:
        use = await app.alice.slash(
            app.art,
            "imagine",
            prompt="a fish",
            control=upload(photo((96, 64))),
            control_type="edges",
            control_strength=0.8,
            control_end=0.5,
        )
        message = await app.done(await use.message())
        assert "control: edges 0.8" in settings_line(message)
        assert "96×64" in settings_line(message) or "80×56" in settings_line(message)
        recipe = (await bot.studio.job(number(message))).recipe
        assert recipe.control is not None
        assert (recipe.control.network, recipe.control.end) == ("all", 0.5)
        map_file = bot.studio.control_maps.file(recipe.control)
        with Image.open(map_file) as found:
            assert found.size == (recipe.width, recipe.height)
        again = await app.done(await (await app.alice.click(message, label="Again")).message())
        repeated = (await bot.studio.job(number(again))).recipe
        assert repeated.control == recipe.control


async def test_only_the_one_who_sent_it_sees_the_map(control_app: App) -> None:
    app = control_app
    async with app.open():
        use = await app.alice.slash(
            app.art, "imagine", prompt="a fish", control=upload(photo()), control_type="tile"
        )
        message = await app.done(await use.message())
        shown = await (await app.alice.click(message, label="Show map")).message()
        [attachment] = shown.attachments
        assert shown.ephemeral
        with Image.open(BytesIO(attachment.data)) as found:
            assert found.format == "PNG"
        assert "Only the person" in await told(await app.bob.click(message, label="Show map"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"control_strength": 0.5}, "Control needs a picture"),
        ({"control": "photo"}, "choose a `control_type`"),
        ({"control": "photo", "control_type": "depth"}, "can't paint along depth here"),
        ({"control": "photo", "control_type": "pose"}, "`pose_model` in the section `[maps]`"),
        (
            {"control": "photo", "control_type": "edges", "control_start": 0.9, "control_end": 0.2},
            "must start before it ends",
        ),
    ],
)
async def test_what_cannot_be_done_is_said_and_nothing_is_queued(
    control_app: App, options: dict[str, object], sentence: str
) -> None:
    app = control_app
    if "control" in options:
        options = options | {"control": upload(photo())}
    async with app.open() as bot:
        use = await app.alice.slash(app.art, "imagine", prompt="a fish", **options)
        assert sentence in await told(use)
        assert bot.studio.queue() == []


async def test_without_a_network_the_owner_is_told_what_to_set(app: App) -> None:
    async with app.open():
        use = await app.alice.slash(
            app.art, "imagine", prompt="a fish", control=upload(photo()), control_type="pose-map"
        )
        assert "[controls.NAME]" in await told(use)
