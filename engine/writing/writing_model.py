"""A model of the settings that writes for members: its files, its process, and whose turn it is."""

from pathlib import Path

from engine.errors import InvalidRequest
from engine.writing.host import MakeHost
from engine.writing.model_files import Download, WriterFiles
from engine.writing.turns import Turns
from speech import say


class WritingModel:
    """What the owner has chosen, if anything; nothing is loaded before it's first asked."""

    missing: str
    """The phrase that says how to choose one."""

    def __init__(
        self,
        name: str,
        source: str | None,
        threads: int,
        download: Download,
        make_host: MakeHost,
        *,
        sees: bool,
    ) -> None:
        """Prepare to ask it.

        Args:
            name: What to call its process.
            source: Its Hub ID or folder, if there is one.
            threads: How many threads it may use.
            download: Downloads it.
            make_host: Makes what runs it.
            sees: Whether it is shown pictures.
        """
        self._turns = Turns()
        self._host = make_host(name, threads)
        self._files = None if source is None else WriterFiles(source, download, sees=sees)

    @property
    def enabled(self) -> bool:
        """Whether there is a model."""
        return self._files is not None

    async def require(self) -> Path:
        """The folder of the model, for those who ask before anything is fetched.

        Raises:
            InvalidRequest: When the owner has chosen none.
            ModelUnavailable: When it can't be had, or is being downloaded.
        """
        if self._files is None:
            raise InvalidRequest(say(self.missing))
        return await self._files.folder()

    async def stop(self) -> None:
        """Write nothing more."""
        if self._files is not None:
            await self._files.stop()
        await self._host.stop()
