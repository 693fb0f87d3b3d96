"""What people do on the way to a LoRA."""

from __future__ import annotations

import io
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

from cogs import Atelier
from cogs.train.training_messages import TrainingMessages
from engine import MIN_TRAINING_PICTURES
from engine.training.run_folder import RunFolder
from tests.cogs.app import PATIENCE, App
from tests.discord_server import Member, Message, Upload, Use

from .scripted import ScriptedTrainings


def picture(number: int, side: int = 160) -> Upload:
    """A picture that looks like no other."""
    dice = random.Random(number)
    pixels = bytes(dice.randrange(256) for _ in range(8 * 8 * 3))
    image = Image.frombytes("RGB", (8, 8), pixels).resize((side, side), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return Upload(f"{number}.png", buffer.getvalue())


async def begun(app: App, who: Member, *, kind: str = "style", **more: Any) -> Message:
    """The card of a new training."""
    options = {"name": "zork", "trigger": "zork", "kind": kind} | more
    use = await who.slash(app.art, "train new", **options)
    return await use.message(PATIENCE)


async def given(app: App, who: Member, card: Message, *files: Upload) -> Use:
    """Give pictures to it."""
    modal = await (await who.click(card, label="Add pictures")).modal()
    return await who.submit(modal, {"files": list(files)})


async def collected(app: App, bot: Atelier, who: Member, **more: Any) -> Message:
    """The card of a training with enough pictures, which nobody had to upload."""
    card = await begun(app, who, **more)
    number = number_of(card)
    for seed in range(MIN_TRAINING_PICTURES):
        await bot.studio.trainings.add_picture(number, picture(seed).data)
    await bot.services[TrainingMessages].refresh(number)
    await shows(app, card, f"{MIN_TRAINING_PICTURES} pictures ·")
    return card


async def started(app: App, bot: Atelier, who: Member, **more: Any) -> Message:
    """The card of a training that waits for its turn."""
    card = await collected(app, bot, who, **more)
    await who.click(card, label="Start")
    await shows(app, card, "waiting for its turn")
    return card


async def shows(app: App, message: Message, pattern: str, seconds: float = PATIENCE) -> None:
    """Wait until the message says so."""
    try:
        await app.discord.until(lambda: re.search(pattern, message.text(), re.DOTALL), seconds)
    except TimeoutError:
        raise AssertionError(f"{pattern!r} isn't in {message.text()!r}") from None


async def with_lora(bot: Atelier, number: int, **metadata: str) -> Path:
    """Have the training of that number have made a LoRA, with samples of its prompts."""
    trainings = bot.studio.trainings
    training = await trainings.get(number)
    assert training.file is not None, "it is finished"
    layer = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    tensors = {
        f"{layer}.lora_down.weight": np.ones((1, 768), np.float16),
        f"{layer}.lora_up.weight": np.ones((320, 1), np.float16),
    }
    known = {"ss_base_model_version": "sd_v1", "ss_steps": "40", "modelspec.resolution": "64x64"}
    save_file(tensors, training.file, known | metadata)
    folder = RunFolder(training.folder)
    assert training.request is not None
    folder.write_request(training.request)
    for sample in range(len(training.request.sample_prompts)):
        folder.write(folder.sample(40, sample + 1), picture(sample).data)
    folder.write(folder.sheet, picture(9).data)
    await trainings._loras.add(training, training.file)
    return training.file


def number_of(card: Message) -> int:
    """The number of the training."""
    found = re.search(r"training (\d+)", card.text())
    assert found, card
    return int(found[1])


def service(bot: Atelier) -> ScriptedTrainings:
    """What the test moves."""
    trainings = bot.studio.trainings
    assert isinstance(trainings, ScriptedTrainings)
    return trainings
