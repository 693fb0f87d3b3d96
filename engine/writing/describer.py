"""Describes pictures: prompts that would paint the like."""

from collections.abc import Awaitable, Callable

from engine.devices.messages import Pixels
from engine.errors import InvalidRequest
from engine.images.decoder import Decoder
from engine.images.uploads import read_pixels
from engine.network_settings import DescribeSettings
from engine.writing.cleaning import cleaned
from engine.writing.host import CAPTIONS, MakeHost
from engine.writing.model_files import Download
from engine.writing.writing_model import WritingModel
from speech import phrase, say

MAX_SIDE = 768
"""Pixels a side of a picture that is described: what Florence-2 reads, and more than others do."""

MAX_LENGTH = 700
"""Characters of a description: four of them fit into a message."""


class Describer(WritingModel):
    """Has pictures described by the model of the settings, on the CPU (see `host`)."""

    missing = phrase(
        "Describing pictures isn't set up here. The bot's owner can choose a captioning model: "
        "`model` in the section `[describe]` of the settings, such as "
        "`florence-community/Florence-2-base` (MIT licence, about 1 GB of RAM while it works)."
    )

    def __init__(
        self,
        settings: DescribeSettings,
        decoder: Decoder,
        download: Download,
        make_host: MakeHost,
    ) -> None:
        """Prepare to describe.

        Args:
            settings: Which model, if any.
            decoder: Decodes pictures of strangers.
            download: Downloads the model.
            make_host: Makes what runs it.
        """
        super().__init__(
            "describer", settings.model, settings.threads, download, make_host, sees=True
        )
        self._decoder = decoder

    async def describe(self, read: Callable[[], Awaitable[bytes]], owner: str) -> tuple[str, ...]:
        """Up to four different prompts for a picture.

        Args:
            read: Fetches the file, once the limits allow it.
            owner: Who asks.

        Raises:
            AtelierError: What `read` raises.
            InvalidRequest: When it can't be read or described, or there is no model.
            LimitReached: When the owner has to wait.
            QueueFull: When too many people wait.
            ModelUnavailable: When the model can't be had or loaded.
        """
        folder = await self.require()
        async with self._turns.admitted(owner) as turn:
            pixels: Pixels = await self._decoder.run(read_pixels, await read(), MAX_SIDE)
            async with turn:
                captions: list[str] = await self._host.ask(CAPTIONS, folder, pixels)
        prompts = dict.fromkeys(cleaned(text, MAX_LENGTH) for text in captions)
        prompts.pop("", None)
        if not prompts:
            raise InvalidRequest(
                say("The model found no words for this picture. Try another picture.")
            )
        return tuple(prompts)
