"""The download manager: every download goes through it, none of a model twice at once."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import CancelledError
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from engine.background_thread import BackgroundThread
from engine.errors import InvalidModel, ModelUnavailable
from engine.hub import (
    DownloadProgress,
    HubClient,
    LocalFiles,
    Origin,
    disk_usage,
    download,
    local_files,
    remove_unshared,
)
from engine.hub.classifier_files import classifier_on_disk, download_classifier
from engine.hub.control_files import control_on_disk, download_control
from engine.hub.ip_adapter_files import (
    IPAdapterFiles,
    download_ip_adapter,
    ip_adapter_on_disk,
)
from engine.hub.language_files import download_language_model
from engine.hub.lora_files import download_lora, lora_on_disk
from engine.hub.sources import whole_source
from engine.hub.upscaler_files import download_upscaler, upscaler_on_disk
from engine.jobs.process import ProcessKind
from engine.models.controls import ControlNetwork
from engine.models.networks import Network
from engine.network_settings import IPAdapterSettings
from speech import say

T = TypeVar("T")

STOP_GRACE = 1.0
"""Seconds that a cancelled download gets to stop; one that hangs is left to its thread."""

OnProgress = Callable[[DownloadProgress], None]


class DownloadManager:
    """Downloads into the shared cache and deletes from it, without one disturbing the other."""

    def __init__(self, hub: HubClient, *, allow_pickle: bool = False) -> None:
        self._hub = hub
        self._allow_pickle = allow_pickle
        self._loop = asyncio.get_running_loop()
        self._active: dict[str, Origin] = {}
        self._loras: set[str] = set()
        self._partly: list[Origin] = []
        self._one_ended = asyncio.Condition()
        self._cache_lock = asyncio.Lock()

    def is_downloading(self, name: str) -> bool:
        """Whether a model of that name is being downloaded."""
        return name in self._active

    async def download(
        self,
        name: str,
        origin: Origin,
        on_progress: OnProgress | None = None,
        *,
        wait: bool = False,
    ) -> LocalFiles:
        """Download what is missing of a model.

        Cancelling the task stops the download. What has been downloaded stays, and the next
        download resumes from there.

        Args:
            name: What the model is called.
            origin: What it is made from.
            on_progress: Called in the loop, at most ten times a second.
            wait: Whether to wait for a download of the same files that is in progress.

        Raises:
            InvalidModel: When the same is being downloaded, unless `wait`.
            ModelUnavailable: When it can't be had, or the disk is full.
        """
        while True:
            async with self._cache_lock:  # files that are being deleted would count as on disk
                if not self._is_active(name, origin):
                    self._active[name] = origin
                    break
            if not wait:
                text = origin.source.text
                raise InvalidModel(
                    say("“{name}” is already downloading. Wait until it's finished.", name=text)
                )
            async with self._one_ended:
                await self._one_ended.wait_for(lambda: not self._is_active(name, origin))
        try:
            return await self._on_thread(partial(download, origin, self._hub), on_progress)
        finally:
            del self._active[name]
            async with self._one_ended:
                self._one_ended.notify_all()

    async def free(self, origin: Origin, others: Iterable[Origin]) -> int:
        """Delete a model's files from the cache, except for what others use or what is coming.

        Returns:
            Bytes that were freed.
        """
        async with self._cache_lock:
            needed = [*others, *self._active.values(), *self._partly]
            return await asyncio.to_thread(remove_unshared, origin, needed)

    def files(self, name: str, origin: Origin) -> LocalFiles:
        """From another thread: a model's files on disk; lost ones are downloaded first. Blocks.

        Raises:
            ModelUnavailable: When they can't be had.
        """
        if disk_usage(origin).presence.downloads:
            return self._from_thread(self.download(name, origin, wait=True))
        return local_files(origin)

    def classifier(self, source: str) -> Path:
        """From another thread: a classifier's folder, downloaded first if need be. Blocks.

        Raises:
            ModelUnavailable: When it can't be had.
        """
        return classifier_on_disk(source) or self._from_thread(
            self._part_of((source,), partial(download_classifier, source, self._hub))
        )

    def network(self, network: Network | ControlNetwork) -> Path:
        """From another thread: a network's file or folder, downloaded first if need be. Blocks.

        Raises:
            ModelUnavailable: When it can't be had.
        """
        if isinstance(network, ControlNetwork):
            return control_on_disk(network.source) or self._from_thread(
                self._part_of(
                    (network.source,), partial(download_control, network.source, self._hub)
                )
            )
        if network.kind is ProcessKind.BACKGROUND:
            return self.classifier(network.source)
        pickles = self._allow_pickle
        return upscaler_on_disk(network.source, allow_pickle=pickles) or self._from_thread(
            self._part_of(
                (network.source,),
                partial(download_upscaler, network.source, self._hub, allow_pickle=pickles),
            )
        )

    async def language_model(self, source: str, sees: bool) -> Path:
        """Download a model that writes; its folder. Cancelling stops it, as in `download`.

        Args:
            source: Its Hub ID.
            sees: Whether it is shown pictures.

        Raises:
            ModelUnavailable: When it can't be had, or the disk is full.
        """
        return await self._part_of(
            (source,), partial(download_language_model, source, self._hub, sees=sees)
        )

    def ip_adapter(self, one: IPAdapterSettings) -> IPAdapterFiles:
        """From another thread: an IP-Adapter's files, downloaded first if need be. Blocks.

        Raises:
            ModelUnavailable: When they can't be had.
        """
        sources = one.source, one.image_encoder
        return ip_adapter_on_disk(*sources) or self._from_thread(
            self._part_of(sources, partial(download_ip_adapter, *sources, self._hub))
        )

    def lora(self, source: str) -> Path:
        """From another thread: a LoRA's file, downloaded first if need be. Blocks.

        Raises:
            ModelUnavailable: When it can't be had.
        """
        return lora_on_disk(source) or self._from_thread(
            self._part_of((source,), partial(download_lora, source, self._hub))
        )

    async def download_lora(
        self, name: str, source: str, on_progress: OnProgress | None = None
    ) -> Path:
        """Download a LoRA; its file. Cancelling and resuming are as in `download`.

        Raises:
            InvalidModel: When a LoRA of that name is being downloaded.
            ModelUnavailable: When it can't be had, or the disk is full.
        """
        if name in self._loras:
            raise InvalidModel(
                say("“{name}” is already downloading. Wait until it's finished.", name=name)
            )
        self._loras.add(name)
        try:
            async with self._cache_lock:  # as in `download`
                there = await asyncio.to_thread(lora_on_disk, source)
            if there is not None:
                return there
            return await self._part_of(
                (source,), partial(download_lora, source, self._hub), on_progress
            )
        finally:
            self._loras.discard(name)

    def _is_active(self, name: str, origin: Origin) -> bool:
        return name in self._active or origin in self._active.values()

    async def _part_of(
        self,
        sources: Iterable[str],
        call: Callable[[OnProgress, threading.Event], T],
        on_progress: OnProgress | None = None,
    ) -> T:
        """Download something smaller than a model; `free` leaves alone where it comes from."""
        coming = [Origin(found) for text in sources if (found := whole_source(text))]
        async with self._cache_lock:
            self._partly += coming
        try:
            return await self._on_thread(call, on_progress)
        finally:
            for each in coming:
                self._partly.remove(each)

    async def _on_thread(
        self,
        call: Callable[[OnProgress, threading.Event], T],
        on_progress: OnProgress | None = None,
    ) -> T:
        """Run a blocking download on a thread of its own; stop it when the task is cancelled."""
        thread, stop = BackgroundThread("download"), threading.Event()

        def report(progress: DownloadProgress) -> None:
            if on_progress is not None:
                thread.call_soon(on_progress, progress)

        work = thread.run(partial(call, report, stop))
        work.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.shield(work)
        finally:
            stop.set()
            await thread.stop(STOP_GRACE)

    def _from_thread(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` in the loop and wait for it, on another thread."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except CancelledError:
            raise ModelUnavailable(say("I'm restarting. Try again in a minute.")) from None
