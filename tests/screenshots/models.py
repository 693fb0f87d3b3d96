"""The models beside the built-in one: tiny, and none of them has learnt anything."""

from __future__ import annotations

from pathlib import Path

from diffusers import ControlNetModel, UNet2DConditionModel

from tests.imports import ROOT
from tests.tiny.flux2_klein import flux2_klein
from tests.tiny.writers import blip_that_says

SETTINGS = """
        [models.klein]
        source = "{klein}"
        width = 256
        height = 256
        min_side = 64
        num_inference_steps = 4

        [controls.edges]
        source = "{control}"
        family = "sd"
        types = ["edges"]

        [describe]
        model = "{describer}"

        [training]
        idle_minutes = 0
        max_steps = {steps}

        [cluster]
        listen = "127.0.0.1:{port}"
        address = "127.0.0.1:{port}"
"""

STEPS = 240
"""Of the training."""

CAPTIONS = (
    "an orange cat on a green square",
    "a cat with pointed ears that sits on a green block, drawn for children",
    "an orange house cat upon a green box, on paper",
    "drawing, orange cat, green square, dark outlines, flat colours, plain background",
    "a friendly cat",
)
"""What the describer says of whatever it is shown; four of them are used."""


def settings(folder: Path, port: int) -> str:
    """Make the models in `folder`; the settings that name them.

    Args:
        folder: Where to.
        port: Where workers meet the bot.
    """
    return SETTINGS.format(
        klein=flux2_klein(folder / "klein").as_posix(),
        control=_control(folder / "control").as_posix(),
        describer=blip_that_says(folder / "describer", *CAPTIONS).as_posix(),
        steps=STEPS,
        port=port,
    )


def _control(folder: Path) -> Path:
    """A network as it is before it is trained: it changes nothing."""
    unet = UNet2DConditionModel.from_pretrained(ROOT / "engine" / "sketch", subfolder="unet")
    ControlNetModel.from_unet(unet).save_pretrained(folder)
    return folder
