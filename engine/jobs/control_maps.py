"""Maps for control, made from any picture when it is asked for, off the event loop.

They are stored like start images, so a job that is painted again paints along the same map. Depth
and poses take a second or two on the CPU, and none of the GPU's memory, which is all planned for
painting.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PIL import Image

from engine.background_thread import BackgroundThread, ThreadStopped
from engine.devices.messages import Pixels
from engine.errors import InvalidRequest
from engine.images.canvas import cropped_to
from engine.images.colours import on_white
from engine.images.init_images import with_control
from engine.images.uploads import UploadFolder
from engine.jobs.control import Control, ControlKind
from engine.jobs.request import ImageRequest
from engine.models.controls import KIND_NAMES, ControlCatalogue, ControlNetwork
from engine.models.model import Model
from engine.network_settings import MapSettings
from engine.processes.answering_process import AnsweringProcess
from engine.processes.channel import Channel
from engine.processes.questions import NoAnswer
from speech import phrase, say

if TYPE_CHECKING:
    from engine.diffusion.maps import DepthEstimator, PoseEstimator

log = logging.getLogger(__name__)

READ, FIND = "control picture", "folder of a model for control pictures"
"""What the two processes ask each other."""

MODELS = {ControlKind.DEPTH: "depth_model", ControlKind.POSE: "pose_model"}
"""The settings of `[maps]` that kinds of map need."""

NO_MODEL = phrase(
    "No model reads {kind} from pictures here. The bot's owner can choose one: `{setting}` in the "
    "section `[maps]` of the settings. Or send a finished map and say so in `control_type`."
)

FindReader = Callable[[str], Path]
"""From a model of the settings to its folder, downloading it if need be. It may block, and raise
`ModelUnavailable`."""


class LazyMapMaker:
    """Makes maps; its models are loaded when first used. It blocks, and belongs to one thread."""

    def __init__(self, settings: MapSettings, find: FindReader) -> None:
        """Prepare to make maps.

        Args:
            settings: Which models read depth and poses.
            find: Finds their folders.
        """
        self._settings = settings
        self._find = find
        self._depth: DepthEstimator | None = None
        self._pose: PoseEstimator | None = None

    def make(self, picture: Pixels, kind: ControlKind) -> Pixels:
        """The map of a picture, of its size.

        Raises:
            InvalidRequest: There is nobody in it whose pose could be read.
            ModelUnavailable: A model can't be had or loaded.
        """
        # Importing torch takes seconds, which don't matter here.
        from engine.diffusion import maps

        image = picture.image()
        settings = self._settings
        match kind:
            case ControlKind.EDGES:
                image = maps.edges(image)
            case ControlKind.LINES:
                image = maps.lines(image)
            case ControlKind.DEPTH:
                if self._depth is None:
                    folder = self._find(settings.depth_model or "")
                    self._depth = maps.DepthEstimator.load(folder)
                image = self._depth.read(image)
            case ControlKind.POSE:
                if self._pose is None:
                    people = settings.person_model and self._find(settings.person_model)
                    folder = self._find(settings.pose_model or "")
                    self._pose = maps.PoseEstimator.load(folder, people or None)
                image = self._pose.read(image)
        return Pixels.of(image)


class MapMaker(Protocol):
    """Makes maps off the event loop."""

    async def make(self, picture: Pixels, kind: ControlKind) -> Pixels:
        """As `LazyMapMaker.make`; `InvalidRequest` also when it fails or the program stops."""

    async def stop(self) -> None:
        """Make nothing more."""


class MapThread:
    """Makes maps on a thread of this process."""

    def __init__(self, settings: MapSettings, find: FindReader) -> None:
        """Prepare the thread; see `LazyMapMaker`."""
        self._thread = BackgroundThread("control pictures")
        self._maker = LazyMapMaker(settings, find)

    async def make(self, picture: Pixels, kind: ControlKind) -> Pixels:
        """As `MapMaker.make`."""
        try:
            return await self._thread.run(partial(self._maker.make, picture, kind))
        except ThreadStopped:
            raise InvalidRequest(say("I'm restarting. Try again in a minute.")) from None

    async def stop(self) -> None:
        """As `MapMaker.stop`."""
        await self._thread.stop(0)


class MapProcess:
    """Makes maps in a process of its own, which starts with the first one.

    Beside the event loop torch would halve the speed of painting on the CPU; see
    `engine.safety.classifier_process`.
    """

    def __init__(self, settings: MapSettings, find: FindReader) -> None:
        """Prepare the process; see `LazyMapMaker`."""
        self._process = AnsweringProcess(
            "control pictures", run_map_maker, settings, answers={FIND: find}
        )
        self._turn = asyncio.Lock()

    async def make(self, picture: Pixels, kind: ControlKind) -> Pixels:
        """As `MapMaker.make`."""
        async with self._turn:
            try:
                made: Pixels = await self._process.ask(READ, picture, kind)
                return made
            except NoAnswer:
                log.error("Nothing could be read from a control picture")
                raise InvalidRequest(
                    say("This control picture couldn't be read. Try another one.")
                ) from None

    async def stop(self) -> None:
        """As `MapMaker.stop`."""
        await self._process.kill()


def run_map_maker(channel: Channel, settings: MapSettings) -> None:
    """In the child: make whatever the parent asks for, as long as it's there."""
    maker = LazyMapMaker(settings, lambda name: channel.ask(FIND, name))
    channel.serve({READ: maker.make})


class ControlMaps:
    """Prepares control for requests: its network, and the map of a picture.

    Attributes:
        networks: The control networks of the settings.
    """

    def __init__(
        self,
        networks: ControlCatalogue,
        settings: MapSettings,
        maker: MapMaker,
        uploads: UploadFolder,
        find_network: Callable[[ControlNetwork], Path],
    ) -> None:
        self.networks = networks
        self._settings = settings
        self._maker = maker
        self._uploads = uploads
        self._find_network = find_network

    def require(self, kind: ControlKind, model: Model, *, ready: bool = False) -> ControlNetwork:
        """The network with which the model paints along such maps; nothing is loaded.

        Args:
            kind: The kind of map.
            model: The model that paints.
            ready: Whether the picture is such a map already.

        Raises:
            InvalidRequest: The model can't, there is no network, or no model to make the map with.
        """
        network = self.networks.network_for(kind, model.family, model.name)
        setting = MODELS.get(kind)
        if not ready and setting and getattr(self._settings, setting) is None:
            raise InvalidRequest(say(NO_MODEL, kind=say(KIND_NAMES[kind]), setting=setting))
        return network

    async def applied_to(
        self, painted: Sequence[tuple[ImageRequest, Model]], asked: Control, *, ready: bool = False
    ) -> list[ImageRequest]:
        """The requests, painted along a picture: in its shape, unless they have a size.

        Those of one model and size share a map.

        Args:
            painted: The requests, and the models that paint them.
            asked: As for `prepare`.
            ready: The same.

        Raises:
            AtelierError: As `prepare`.
        """
        shape = await asyncio.to_thread(self._uploads.size, asked.image)
        prepared: dict[tuple[str, tuple[int, int]], Control] = {}
        applied = []
        for request, model in painted:
            request = with_control(request, asked, shape, model)
            size = (request.width or model.width, request.height or model.height)
            if (model.name, size) not in prepared:
                prepared[model.name, size] = await self.prepare(asked, model, size, ready=ready)
            applied.append(replace(request, control=prepared[model.name, size]))
        return applied

    async def prepare(
        self, control: Control, model: Model, size: tuple[int, int], *, ready: bool = False
    ) -> Control:
        """The control with the map of its picture, in the shape and at the size of what is painted.

        A picture of another shape is cropped to its middle. The network is downloaded if it isn't
        on disk, so that painting needn't wait for it.

        Args:
            control: What is asked for; its image is the name of a stored picture.
            model: The model that paints.
            size: Width and height of the picture to be painted, pixels.
            ready: Whether the picture is a map already.

        Raises:
            InvalidRequest: As `require`; or the picture is no longer stored, or shows nobody.
            ModelUnavailable: Something can't be downloaded or loaded.
            StorageError: The map can't be stored.
        """
        network = self.require(control.kind, model, ready=ready)
        await asyncio.to_thread(self._find_network, network)
        return await self._with_map(control, size, ready=ready)

    async def _with_map(self, control: Control, size: tuple[int, int], *, ready: bool) -> Control:
        picture = await asyncio.to_thread(self._fitted, control.image, size)
        if not ready and control.kind is not ControlKind.TILE:
            picture = await self._maker.make(picture, control.kind)
        name = await asyncio.to_thread(self._keep, picture)
        return replace(control, image=name)

    def _fitted(self, name: str, size: tuple[int, int]) -> Pixels:
        self._uploads.require(name)
        with Image.open(self._uploads.path(name)) as opened:
            image = cropped_to(on_white(opened), size[0] / size[1])
        image = image.resize(size, Image.Resampling.LANCZOS)
        return Pixels.of(image)

    def _keep(self, picture: Pixels) -> str:
        return self._uploads.keep_image(picture.image())

    def file(self, control: Control) -> Path:
        """The file of the map. Raises `InvalidRequest` when it's no longer stored."""
        self._uploads.require(control.image)
        return self._uploads.path(control.image)

    async def stop(self) -> None:
        """Make no more maps."""
        await self._maker.stop()
