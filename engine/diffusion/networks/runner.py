"""Runs networks on finished pictures, a step at a time between the steps of what is painted."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from PIL import Image

from engine.devices.executor_setup import FindNetwork
from engine.devices.messages import (
    ExecutorReport,
    JobDropped,
    JobFailed,
    JobPainted,
    JobProgress,
    ProcessPicture,
)
from engine.diffusion.card import card_of
from engine.diffusion.device import Device
from engine.diffusion.networks.segmenter import Segmenter
from engine.diffusion.networks.upscaler import Upscaler
from engine.diffusion.networks.work import (
    CPU_SIDE,
    SIDES,
    USUAL_SIDE,
    BackgroundRemoval,
    Upscaling,
    Work,
)
from engine.diffusion.offload.usage import peak_bytes, reset_peak
from engine.diffusion.oom import drop_tracebacks, out_of_memory
from engine.errors import AtelierError, new_incident, without_folders
from engine.jobs.job import Job
from engine.jobs.process import ProcessKind
from engine.models.networks import Network
from speech import say

log = logging.getLogger(__name__)

KEPT = 2
"""Networks that stay in RAM after their work; each takes 5 to 500 MB."""

MOST_ROOMS = 3
"""How often a job has the model in use leave the device."""

PROBE_SIDE = 96
"""Pixels of the first tile, which shows what tiles take of the device's memory."""

SHARE = 0.8
"""Of the free memory that a tile may take: what it takes grows a little faster than its area."""


@dataclass(eq=False)
class _Running:
    """A job that a network works on, and how often room was made for it."""

    job: Job
    network: Network
    work: Work
    rooms_made: int = 0


class NetworkRunner:
    """Keeps the networks in RAM, and on the device as long as they work."""

    def __init__(
        self,
        device: Device,
        find_network: FindNetwork,
        report: Callable[[ExecutorReport], None],
        make_room: Callable[[], bool],
    ) -> None:
        """Prepare to run; nothing is loaded yet.

        Args:
            device: Where networks work.
            find_network: Finds their files.
            report: Called with everything that happens.
            make_room: Takes the weights of the model in use off the device; returns whether there
                were any.
        """
        self._device = device
        self._find_network = find_network
        self._report = report
        self._make_room = make_room
        self._loaded: OrderedDict[Network, Upscaler | Segmenter] = OrderedDict()
        self._bytes_per_pixel: dict[Network, float] = {}
        self._running: list[_Running] = []
        self.alone = False
        """Whether the work in progress needs all of the device's memory: nothing may be painted."""

    @property
    def busy(self) -> bool:
        """Whether there is work to do."""
        return bool(self._running)

    @property
    def job_id(self) -> int:
        """The job whose step is next."""
        return self._running[0].job.id

    def begin(self, command: ProcessPicture) -> None:
        """Take in a job; load its network if it isn't, and bring it to the device."""
        for rooms_made in (0, 1):
            try:
                with Image.open(command.image) as opened:
                    image = opened.convert("RGBA" if "A" in opened.getbands() else "RGB")
                work = self._work(command, image)
            except Exception as error:
                failure = drop_tracebacks(error)
            else:
                self._running.append(_Running(command.job, command.network, work, rooms_made))
                self.alone = self.alone or rooms_made > 0
                return
            if rooms_made or not out_of_memory(failure) or not self._make_room():
                break
        self._fail(command.job, command.network, failure)

    def step(self) -> None:
        """Do one step of the oldest job."""
        running, picture = self._running[0], None
        try:
            running.work.step()
            if running.work.done == running.work.total:
                picture = running.work.picture()
        except Exception as error:
            failure = drop_tracebacks(error)
        else:
            reset_peak(self._device.name)
            self._report(JobProgress(running.job.id, running.work.done, running.work.total))
            if picture is not None:
                self._end(running)
                self._report(JobPainted(running.job.id, (picture,)))
            return
        self._device.release()
        if out_of_memory(failure):
            if running.work.shrink():
                return
            # What was painted meanwhile has brought weights back.
            if running.rooms_made < MOST_ROOMS and self._make_room():
                running.rooms_made += 1
                self.alone = True
                return
        self._end(running)
        self._fail(running.job, running.network, failure)

    def cancel(self, job_id: int) -> bool:
        """Drop a job; returns whether it was among those that run."""
        for running in self._running:
            if running.job.id == job_id:
                self._end(running)
                self._report(JobDropped(job_id))
                return True
        return False

    def _work(self, command: ProcessPicture, image: Image.Image) -> Work:
        loaded = self._network(command.network)
        loaded.move(self._device.name)
        if isinstance(loaded, Segmenter):
            return BackgroundRemoval(loaded, image, self._device.name)
        factor = command.job.recipe.enlarged
        return Upscaling(loaded, image, factor, self._side(command.network, loaded, factor))

    def _network(self, network: Network) -> Upscaler | Segmenter:
        """The network, loaded into RAM unless it's there. Raises `ModelUnavailable`."""
        if (loaded := self._loaded.pop(network, None)) is None:
            place = self._find_network(network)
            if network.kind is ProcessKind.BACKGROUND:
                loaded = Segmenter.load(place, network.labels)
            else:
                loaded = Upscaler.load(place)
            log.info("Loaded %s", network.name)
        self._loaded[network] = loaded
        in_use = {running.network for running in self._running}
        for other in [name for name in self._loaded if name != network and name not in in_use]:
            if len(self._loaded) > KEPT:
                del self._loaded[other]
        return loaded

    def _side(self, network: Network, upscaler: Upscaler, factor: int) -> int:
        """The largest tile that fits into what is free now.

        A first tile shows what one takes. The memory that the plan of the model in use sets aside
        for its steps is free meanwhile, since steps and tiles take turns.
        """
        device = self._device.name
        if (card := card_of(device)) is None:
            return CPU_SIDE if device.type == "cpu" else USUAL_SIDE
        weights = card.memory_allocated(device)
        if network not in self._bytes_per_pixel:
            reset_peak(device)
            try:
                upscaler.enlarge(torch.zeros(3, PROBE_SIDE, PROBE_SIDE), factor)
            except Exception as error:
                if not out_of_memory(drop_tracebacks(error)):
                    raise
                return SIDES[-1]
            taken = (peak_bytes(device) or weights) - weights
            self._bytes_per_pixel[network] = taken / PROBE_SIDE**2
            reset_peak(device)
        facts = self._device.facts()
        free = SHARE * (facts.free_bytes - facts.reserve_bytes - weights)
        most = free / max(1.0, self._bytes_per_pixel[network])
        return next((side for side in SIDES if side * side <= most), SIDES[-1])

    def _end(self, running: _Running) -> None:
        """Its work is over; a network that no other job needs leaves the device."""
        self._running.remove(running)
        self.alone = False
        if all(other.network != running.network for other in self._running):
            self._leave(running.network)

    def _leave(self, network: Network) -> None:
        if network in self._loaded:
            self._loaded[network].move(torch.device("cpu"))
        self._device.release()

    def _fail(self, job: Job, network: Network, error: Exception) -> None:
        if all(other.network != network for other in self._running):
            self._leave(network)
        self._report(JobFailed(job.id, _sentence(job, network, error)))


def _sentence(job: Job, network: Network, error: Exception) -> str:
    """What to tell people about `error`; a bug goes to the log with an ID."""
    if isinstance(error, AtelierError):
        log.error("Job %d failed: %s", job.id, error)
        return without_folders(error.sentence)
    if out_of_memory(error):
        log.error("Job %d does not fit: %s", job.id, error)
        return say(
            "{network} doesn't fit in this machine's memory with this picture. A smaller one "
            "might fit.",
            network=network.name,
        )
    incident = new_incident()
    log.error("Job %d failed (incident %s)", job.id, incident, exc_info=error)
    return say(
        "Nothing could be made from the picture. The owner can find the reason in the log: "
        "{incident}.",
        incident=incident,
    )
