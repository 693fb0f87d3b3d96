"""Files of models on their way into the shared cache and out of it, out of each other's way."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable

from engine.errors import InvalidModel
from engine.hub import DownloadProgress, HubClient, Origin, download, remove_unshared
from speech import say


class CacheDownloads:
    """The downloads under way; what they bring is not deleted meanwhile."""

    def __init__(self, hub: HubClient) -> None:
        self._hub = hub
        self._coming: dict[str, Origin] = {}
        self._over = asyncio.Condition()
        self._freeing = asyncio.Lock()

    def __contains__(self, name: object) -> bool:
        """Whether a model of that name is coming."""
        return name in self._coming

    async def bring(
        self, name: str, origin: Origin, progress: Callable[[DownloadProgress], None] | None
    ) -> None:
        """Download what is missing of a model.

        Raises:
            InvalidModel: When the same is under way already.
            ModelUnavailable: When it cannot be had, or there is no room for it.
        """
        async with self._freeing:  # what is being deleted would be taken to be here
            if self._comes(name, origin):
                raise InvalidModel(
                    say(
                        "“{name}” is already downloading. Wait until it's finished.",
                        name=origin.source.text,
                    )
                )
            self._coming[name] = origin
        try:
            await download(origin, self._hub, progress)
        finally:
            del self._coming[name]
            async with self._over:
                self._over.notify_all()

    async def bring_or_wait(
        self, name: str, origin: Origin, progress: Callable[[DownloadProgress], None] | None
    ) -> None:
        """Like `bring`; what is under way already is waited for, and gone on with if it ends.

        Raises:
            ModelUnavailable: When it cannot be had, or there is no room for it.
        """
        while True:
            async with self._over:
                await self._over.wait_for(lambda: not self._comes(name, origin))
            with contextlib.suppress(InvalidModel):  # somebody else was quicker
                return await self.bring(name, origin, progress)

    def _comes(self, name: str, origin: Origin) -> bool:
        return name in self._coming or origin in self._coming.values()

    async def free(self, origin: Origin, others: Iterable[Origin]) -> int:
        """Delete what a model has in the cache, but for what others use; bytes that were freed."""
        async with self._freeing:
            needed = [*others, *self._coming.values()]
            return await asyncio.to_thread(remove_unshared, origin, needed)
