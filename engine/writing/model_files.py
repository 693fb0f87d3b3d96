"""The files of a model that writes: downloaded in the background when it's first asked for."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from engine.errors import AtelierError, ModelUnavailable
from engine.hub.language_files import language_model_on_disk
from speech import retranslate, say

log = logging.getLogger(__name__)

Download = Callable[[str, bool], Awaitable[Path]]
"""Downloads a model by its Hub ID; whether it is shown pictures. It raises `ModelUnavailable`."""


class WriterFiles:
    """Finds the folder of one model. Nobody waits for a download, which may take longer than
    Discord lets the bot answer.
    """

    def __init__(self, source: str, download: Download, *, sees: bool) -> None:
        """Prepare to look.

        Args:
            source: A Hub ID or a folder.
            download: Downloads it.
            sees: Whether it is shown pictures.
        """
        self._source, self._sees = source, sees
        self._download = download
        self._downloading: asyncio.Task[Path] | None = None

    async def folder(self) -> Path:
        """The folder of the model.

        Raises:
            ModelUnavailable: It can't be had, or is being downloaded.
        """
        if (task := self._downloading) is None or task.done():
            self._downloading = None
            if task is not None and (error := task.exception()) is not None:
                raise _unavailable(error)
            found = await asyncio.to_thread(language_model_on_disk, self._source, sees=self._sees)
            if found is not None:
                return found
            if self._downloading is None:  # somebody else may have begun meanwhile
                log.info("Downloading %s", self._source)
                self._downloading = asyncio.create_task(
                    _downloaded(self._download, self._source, self._sees), name="download a writer"
                )
        raise ModelUnavailable(
            say(
                "{model} is being downloaded, which happens once. Try again in a few minutes.",
                model=self._source,
            )
        )

    async def stop(self) -> None:
        """Stop downloading; what is there stays."""
        if self._downloading is not None and not self._downloading.done():
            self._downloading.cancel()
            await asyncio.wait([self._downloading])


async def _downloaded(download: Download, source: str, sees: bool) -> Path:
    try:
        folder = await download(source, sees)
    except AtelierError as error:
        log.warning("%s couldn't be downloaded: %s", source, error)
        raise
    log.info("Downloaded %s", source)
    return folder


def _unavailable(error: BaseException) -> BaseException:
    """A new error each time, in the language that is spoken now."""
    if isinstance(error, ModelUnavailable):
        return type(error)(retranslate(error.sentence))
    return error
