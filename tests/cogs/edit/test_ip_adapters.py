"""/blend, --sref and --oref with a Stable Diffusion model, by an IP-Adapter of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import IPAdapterSettings, PictureKind, ReferenceUse
from tests.cogs.app import App, number, refused, told
from tests.cogs.edit.test_edit import pictures


@pytest.fixture
def shown(app: App, tmp_path: Path, weights: Path) -> App:
    """The app, whose models can be shown pictures."""
    from diffusers import UNet2DConditionModel

    from tests.tiny.ip_adapter import image_encoder, ip_adapter

    unet = UNet2DConditionModel.from_pretrained(weights / "unet")
    app.ip_adapters["plus"] = IPAdapterSettings(
        family="sd",
        source=str(ip_adapter(tmp_path / "plus.safetensors", unet)),
        image_encoder=str(image_encoder(tmp_path / "image_encoder")),
    )
    return app


async def test_pictures_are_blended_and_named_for_style_and_subject_with_their_weights(
    shown: App,
) -> None:
    async with shown.open() as bot:
        use = await shown.alice.slash(shown.art, "blend", **pictures(3))
        blend = await shown.done(await use.message())
        recipe = (await bot.studio.job(number(blend))).recipe
        assert recipe.model == "tiny"
        assert recipe.prompt == "best quality, high quality"
        assert recipe.reference_uses == (ReferenceUse(),) * 3
        prompt = f"a fox --sref {number(blend)} --sw 50 --oref {number(blend)}"
        named = await shown.painted(shown.bob, prompt)
        recipe = (await bot.studio.job(number(named))).recipe
        assert recipe.prompt == "a fox"
        assert len(recipe.references) == 2
        uses = ReferenceUse(PictureKind.STYLE, 50), ReferenceUse(PictureKind.SUBJECT, 100)
        assert recipe.reference_uses == uses
        again = await shown.press(shown.alice, named, "Again")
        again_message = await shown.done(await again.message())
        assert (await bot.studio.job(number(again_message))).recipe.reference_uses == uses


async def test_it_still_does_not_edit_by_words_and_takes_four_pictures(shown: App) -> None:
    async with shown.open() as bot:
        mine = await shown.painted(shown.alice)
        asked = {"prompt": "at night", "model": "tiny"}
        use = await shown.alice.slash(shown.art, "edit", **asked, **pictures(1))
        assert "tiny can't edit pictures by words" in await told(use)
        five = f"a fox {f'--sref {number(mine)} ' * 5}"
        use = await shown.alice.slash(shown.art, "imagine", prompt=five)
        assert "up to 4 pictures, not 5" in await (refused if use.response == 5 else told)(use)
        assert not bot.studio.queue()


async def test_without_any_it_says_what_the_owner_can_set(app: App) -> None:
    async with app.open():
        use = await app.alice.slash(app.art, "blend", **pictures(2))
        assert "[ip_adapters.NAME]" in await told(use)
