"""A loopback Discord, and a bot that can be restarted with the same data folder."""

from __future__ import annotations

import asyncio
import io
import re
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image
from pydantic import SecretStr

from cogs import Atelier
from cogs.discord_settings import DiscordSettings, LimitSettings
from engine import (
    AdapterSettings,
    BackgroundSettings,
    ControlSettings,
    DescribeSettings,
    EngineSettings,
    ImageRequest,
    IPAdapterSettings,
    Job,
    ModelSettings,
    PromptSettings,
    SafetySettings,
    TrainingSettings,
    UpscalerSettings,
    open_studio,
)
from engine.images.output import read_request
from tests.discord_server import Channel, DiscordServer, Member, Message, Use
from tests.discord_server.messages import Attachment, walk

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds until a test gives up waiting for a picture; the machine may be busy."""


NOBODYS_ROLE = 1
"""With a role in `admin_roles`, Discord offers all commands to everyone."""


class QuickStart(Atelier):
    """The bot without discord.py's waits: five seconds between two identifies, and two after the
    last server until it is ready.
    """

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Don't wait."""
        self._connection.guild_ready_timeout = 0.05


class App:
    """A Discord server called Painters, its members, and the bot's data folder."""

    def __init__(self, discord: DiscordServer, weights: Path, folder: Path) -> None:
        self.discord = discord
        self.weights = weights
        self.folder = folder
        self.guild = discord.add_guild("Painters")
        self.art = self.guild.add_channel("art")
        self.alice = self.guild.add_member("alice")
        self.bob = self.guild.add_member("bob")
        self.safety = SafetySettings()
        self.more_models: dict[str, ModelSettings] = {}
        self.upscalers: dict[str, UpscalerSettings] = {}
        self.background = BackgroundSettings()
        self.describe = DescribeSettings()
        self.prompts = PromptSettings()
        self.controls: dict[str, ControlSettings] = {}
        self.ip_adapters: dict[str, IPAdapterSettings] = {}
        self.training = TrainingSettings()

    def models(self) -> dict[str, ModelSettings]:
        """Two quick models, a slow one, `broken`, whose files are missing, and a test's own."""
        quick: dict[str, Any] = {
            "source": str(self.weights),
            "width": 64,
            "height": 64,
            "min_side": 32,
            "max_side": 128,
            "num_inference_steps": 2,
            "scheduler": "ddim",
        }
        wide = {"width": 128, "height": 64}
        slow = {"width": 128, "height": 128, "num_inference_steps": 150, "scheduler": "heun"}
        return {
            "tiny": ModelSettings(**quick),
            "other": ModelSettings(**quick | wide),
            "slow": ModelSettings(**quick | slow),
            "broken": ModelSettings(**quick | {"source": str(self.folder / "broken")}),
            **self.more_models,
        }

    def adapters(self) -> dict[str, AdapterSettings]:
        """No LoRAs; files may be put in the folder `loras`."""
        return {}

    @asynccontextmanager
    async def open(
        self,
        *,
        engine: dict[str, Any] | None = None,
        limits: dict[str, Any] | None = None,
        **discord: Any,
    ) -> AsyncIterator[Atelier]:
        """Run the bot as `cli.run` does, with one job at a time and no grace period.

        Args:
            engine: Changes of the `[engine]` section.
            limits: Changes of the `[limits]` section.
            discord: Changes of the `[discord]` section.
        """
        values = {"device": "cpu", "default_model": "tiny", "batch_size": 1, "grace": 0.0}
        bounds = LimitSettings(**{"waiting_jobs": 50, "pictures_per_hour": 500} | (limits or {}))
        token = SecretStr(self.discord.token)
        values_of_discord: dict[str, Any] = {"admin_roles": (NOBODYS_ROLE,)} | discord
        address = DiscordSettings(token=token, api_url=self.discord.api_url, **values_of_discord)
        settings = EngineSettings(**values | (engine or {}))
        async with (
            open_studio(
                settings,
                self.models(),
                self.folder,
                bounds.queue_size,
                self.adapters(),
                safety=self.safety,
                upscalers=self.upscalers,
                background=self.background,
                describe=self.describe,
                prompts=self.prompts,
                controls=self.controls,
                ip_adapters=self.ip_adapters,
                training=self.training,
            ) as studio,
            QuickStart(studio, address, bounds) as bot,
        ):
            serving = asyncio.create_task(bot.start(self.discord.token))
            connected = asyncio.create_task(self.discord.ready())
            await asyncio.wait([serving, connected], return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                connected.cancel()
                await serving
            await connected
            yield bot
            await bot.close()
            await serving
        await self.discord.gone()

    def place_model(self) -> None:
        """Put weights into the folder of the model `broken`."""
        shutil.copytree(self.weights, self.folder / "broken")

    async def ask(
        self, who: Member, prompt: str = "a red house", *, where: Channel | None = None, **more: Any
    ) -> Message:
        """Use `/imagine`; returns the job's message, or the refusal."""
        use = await who.slash(where or self.art, "imagine", prompt=prompt, **more)
        return await use.message()

    async def painted(self, who: Member, prompt: str = "a red house", **more: Any) -> Message:
        """Use `/imagine`; returns the message once it shows the result."""
        return await self.done(await self.ask(who, prompt, **more))

    async def done(self, message: Message) -> Message:
        """Wait until the message shows an outcome."""
        await self.discord.until(lambda: "Delete" in message.labels, PATIENCE)
        return message

    async def press(self, who: Member, message: Message, label: str) -> Use:
        """Click a button of the message, or one that its “More…” opens."""
        if label not in message.labels and "More…" in message.labels:
            message = await (await who.click(message, label="More…")).message()
        return await who.click(message, label=label)

    async def occupy(self, *, count: int = 4) -> Message:
        """Keep the device busy for longer than any test; returns the message of Carol's job."""
        carol = self.guild.add_member("carol")
        message = await self.ask(carol, "the sistine chapel", model="slow", count=count)
        await self.discord.until(lambda: "🎨" in message.text(), PATIENCE)
        return message

    async def free(self, message: Message) -> None:
        """Cancel the job of `occupy` and wait until that is shown."""
        await self.release(message)
        await self.done(message)

    async def release(self, message: Message) -> None:
        """Cancel the job of `occupy`."""
        carol = self.guild.add_member("carol")
        await carol.click(message, label="Cancel")

    async def settled(self, bot: Atelier) -> None:
        """Wait until every outcome has been shown."""
        await until(bot.studio.undelivered, lambda jobs: not jobs)

    async def in_the_folder(self, bot: Atelier, number: int) -> Job:
        """Wait until the job's pictures are saved, shown or not."""
        return await until(lambda: bot.studio.job(number), lambda job: job.pictures)

    def writes(self) -> list[Any]:
        """The bodies of all requests that sent or edited a message."""
        bodies = []
        for request in self.discord.requests:
            if request.path.endswith("/callback") and request.body["type"] in (4, 7):
                bodies.append(request.body["data"])
            elif "/messages" in request.path and request.method in ("POST", "PATCH"):
                bodies.append(request.body)
        return bodies


async def until(look: Callable[[], Awaitable[T]], enough: Callable[[T], Any]) -> T:
    """Call `look` until its result is `enough`, for what isn't visible on Discord."""
    deadline = time.monotonic() + PATIENCE
    while not enough(seen := await look()):
        assert time.monotonic() < deadline, seen
        await asyncio.sleep(0.02)
    return seen


async def told(use: Use) -> str:
    """The text of the ephemeral answer."""
    message = await use.message()
    assert message.ephemeral, message
    return message.text()


async def told_after(use: Use) -> str:
    """The text of the ephemeral answer, also if it follows a silent acknowledgement."""
    message = await use.followup() if use.response in (5, 6) else await use.message()
    assert message.ephemeral, message
    return message.text()


async def refused(use: Use) -> str:
    """The text of the ephemeral answer that replaced a public “… is thinking”."""
    message = await use.followup()
    assert use.interaction.original is not None
    assert use.interaction.original.deleted
    assert message.ephemeral, message
    return message.text()


def number(message: Message) -> int:
    """The number of the job that the message is about."""
    found = re.search(r"· job (\d+)", message.text())
    assert found, message
    return int(found[1])


def seed(message: Message) -> int:
    """The seed of the first picture, as the message shows it."""
    found = re.search(r"· seed (\d+)", message.text())
    assert found, message
    return int(found[1])


def alt_texts(message: Message) -> list[str]:
    """The alternative texts of the message's pictures."""
    return [
        item["description"]
        for part in walk(message.components)
        if part["type"] == 12
        for item in part["items"]
    ]


def recipe_in(picture: Attachment, folder: Path) -> ImageRequest:
    """The settings stored in an attached PNG."""
    file = folder / picture.filename
    file.write_bytes(picture.read())
    return read_request(file)


def image(picture: Attachment) -> Image.Image:
    """The attached picture."""
    return Image.open(io.BytesIO(picture.read()))


def settings_line(message: Message) -> list[str]:
    """The settings in the message's last line, part by part."""
    return message.text().splitlines()[-1].removeprefix("-# ").split(" · ")
