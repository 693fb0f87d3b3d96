"""/imagine with a start image, a LoRA, or a scheduler."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cogs.requests.attachments import MAX_BYTES
from engine import AdapterSettings
from tests.cogs.app import App, image, number, refused, settings_line, told
from tests.discord_server import ClientRefuses, Upload


def picture(colour: str = "red", side: int = 96, kind: str = "PNG") -> bytes:
    """A square of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def loras(app: App, weights: Path) -> None:
    """Thirty LoRAs in the data folder, hard links to one file."""
    from diffusers import StableDiffusionPipeline

    from tests.tiny.adapters import lora

    pipe: Any = StableDiffusionPipeline.from_pretrained(weights, safety_checker=None)
    first = lora(app.folder / "loras" / "fox.safetensors", pipe, "unet", seed=1)
    for i in range(29):
        first.with_stem(f"style-{i:02}").hardlink_to(first)


async def test_a_start_image_is_used_and_shown_in_the_settings(app: App) -> None:
    upload = Upload("house.png", picture())
    async with app.open():
        use = await app.alice.slash(
            app.art, "imagine", prompt="a fish", image=upload, strength=0.5, seed=1
        )
        assert use.acknowledged_after < 1
        message = await app.done(await use.message())
        assert settings_line(message)[-2:] == ["seed 1", "start image, strength 0.5"]
        plain = await app.painted(app.alice, "a fish", seed=1)
        first, second = (image(m.attachments[0]) for m in (message, plain))
        assert list(first.get_flattened_data()) != list(second.get_flattened_data())
        again = await (await app.bob.click(message, label="Again")).message()
        await app.done(again)
        assert settings_line(again)[-1] == "start image, strength 0.5"


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("notes.txt", b"a house", "“notes.txt” isn't a supported picture"),
        ("house.png", b"a house", "This file can't be read as a picture"),
    ],
)
async def test_an_invalid_picture_is_refused(
    app: App, name: str, data: bytes, sentence: str
) -> None:
    async with app.open() as bot:
        use = await app.alice.slash(app.art, "imagine", prompt="a fish", image=Upload(name, data))
        said = await (told(use) if use.response == 4 else refused(use))
        assert said.startswith(sentence)
        assert bot.studio.queue() == []


async def test_too_large_a_picture_is_refused_without_downloading_it(app: App) -> None:
    upload = Upload("house.png", bytes(MAX_BYTES + 1))
    async with app.open():
        use = await app.alice.slash(app.art, "imagine", prompt="a fish", image=upload)
        assert (await told(use)).startswith("“house.png” is 26 MB, but the limit is 25 MB")


async def test_a_strength_needs_a_picture(app: App) -> None:
    async with app.open():
        use = await app.alice.slash(app.art, "imagine", prompt="a fish", strength=0.5)
        assert "Send one as `image`" in await told(use)


async def test_autocomplete_of_schedulers(app: App) -> None:
    async with app.open():
        message = await app.painted(app.alice, scheduler="dpmpp_2m_karras")
        assert settings_line(message)[4] == "dpmpp_2m_karras"
        choices = await app.alice.autocomplete(
            app.art, "imagine", "scheduler", "karras", prompt="x"
        )
        assert [choice.value for choice in choices] == [
            "euler_karras",
            "dpmpp_2m_karras",
            "dpmpp_2m_sde_karras",
            "dpmpp_sde_karras",
        ]
        with pytest.raises(ClientRefuses):
            await app.alice.slash(app.art, "imagine", prompt="x", scheduler="x" * 51)


@pytest.mark.usefixtures("loras")
async def test_a_lora_changes_the_picture_and_is_shown_in_the_settings(app: App) -> None:
    async with app.open():
        plain = await app.painted(app.alice, seed=1)
        styled = await app.painted(app.alice, seed=1, lora="fox:0.8, style-03")
        assert settings_line(styled)[-1] == "LoRA fox 0.8, style-03 1"
        first, second = (image(m.attachments[0]) for m in (plain, styled))
        assert list(first.get_flattened_data()) != list(second.get_flattened_data())


@pytest.mark.usefixtures("loras")
async def test_autocomplete_of_loras_searches_what_is_typed(app: App) -> None:
    async with app.open():

        async def offered(typed: str) -> list[str]:
            choices = await app.alice.autocomplete(app.art, "imagine", "lora", typed, prompt="x")
            return [choice.value for choice in choices]

        assert len(await offered("")) == 25
        assert await offered("style-28") == ["style-28"]
        assert await offered("fox:0.5, style-28") == ["fox:0.5, style-28"]
        assert await offered("FO:0.5") == ["fox:0.5"]
        assert await offered("no such thing") == []


@pytest.mark.usefixtures("loras")
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("fix", "There's no LoRA “fix”. Did you mean “fox”?"),
        ("fox:much", "“much” isn't a valid weight for fox. Write it like fox:0.8."),
        ("fox:nan", "The weight of fox must be between -4 and 4, not nan"),
        ("fox:9", "The weight of fox must be between -4 and 4, not 9"),
    ],
)
async def test_an_invalid_lora_is_refused(app: App, typed: str, sentence: str) -> None:
    async with app.open():
        use = await app.alice.slash(app.art, "imagine", prompt="a fish", lora=typed)
        assert (await told(use)).startswith(sentence)


async def test_a_lora_has_its_configured_weight_and_family(
    app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = str(tmp_path / "ink.safetensors")
    named = {
        "ink": AdapterSettings(source=source, weight=0.4, description="As with a pen"),
        "oil": AdapterSettings(source=source, family="sdxl"),
    }
    monkeypatch.setattr(app, "adapters", lambda: named)
    async with app.open() as bot:
        blocker = await app.occupy()
        message = await app.ask(app.alice, lora="ink")
        assert (await bot.studio.job(number(message))).recipe.adapters == (("ink", 0.4),)
        await app.release(blocker)
        choices = await app.alice.autocomplete(app.art, "imagine", "lora", "", prompt="x")
        assert [choice.name for choice in choices] == ["ink: As with a pen"]
        use = await app.alice.slash(app.art, "imagine", prompt="a fish", lora="oil")
        assert "is for Stable Diffusion XL models" in await told(use)


async def test_what_is_painted_as_plain_words_is_said(app: App) -> None:
    async with app.open():
        use = await app.alice.slash(app.art, "imagine", prompt="a [cat|dog:0.5] AND *b* --v 6")
        note = (await use.followup()).text()
        assert "Ignored, since only Midjourney has it: --v." in note
        assert "join prompts while painting: \\[cat\\|dog:0.5\\], AND." in note
        await app.done(await use.message())
