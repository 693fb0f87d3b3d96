"""The networks that work on finished pictures: upscalers, and one that finds backgrounds."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import InvalidRequest
from engine.jobs.process import Process, ProcessKind
from engine.network_settings import BackgroundSettings, UpscalerSettings
from speech import say


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network that works on finished pictures.

    Attributes:
        kind: What it does.
        name: What people call it.
        source: Its file or its folder, on this machine or on the Hub.
        labels: The labels that count as background.
    """

    kind: ProcessKind
    name: str
    source: str
    labels: tuple[str, ...] = ()


class NetworkCatalogue:
    """The networks of the settings."""

    def __init__(
        self,
        upscalers: Mapping[str, UpscalerSettings] | None = None,
        background: BackgroundSettings | None = None,
    ) -> None:
        """Take what the settings name."""
        self.configure(upscalers or {}, background or BackgroundSettings())

    def configure(
        self, upscalers: Mapping[str, UpscalerSettings], background: BackgroundSettings
    ) -> None:
        """Have exactly what the settings name now."""
        self._upscalers = {
            name: Network(kind=ProcessKind.UPSCALE, name=name, source=settings.source)
            for name, settings in upscalers.items()
        }
        self._background = background

    @property
    def upscalers(self) -> tuple[str, ...]:
        """The names of the upscalers, in the order of the settings."""
        return tuple(self._upscalers)

    def upscaler(self, name: str) -> Network:
        """The upscaler of that name.

        Raises:
            InvalidRequest: When it's not in the settings, or no longer.
        """
        if (found := self._upscalers.get(name)) is None:
            raise InvalidRequest(say("The upscaler “{name}” is no longer configured.", name=name))
        return found

    @property
    def background(self) -> Network:
        """The network that finds backgrounds.

        Raises:
            InvalidRequest: When there is none.
        """
        settings = self._background
        if settings.model is None:
            raise InvalidRequest(
                say(
                    "Removing backgrounds isn't set up here. The bot's owner can choose a "
                    "segmentation model: `model` in the section `[background]` of the settings."
                )
            )
        return Network(
            kind=ProcessKind.BACKGROUND,
            name=settings.model,
            source=settings.model,
            labels=settings.labels,
        )

    @property
    def removes_backgrounds(self) -> bool:
        """Whether there is a network that finds backgrounds."""
        return self._background.model is not None

    def of(self, process: Process) -> Network:
        """The network that does it.

        Raises:
            InvalidRequest: When it's no longer in the settings.
        """
        if process.kind is ProcessKind.BACKGROUND:
            return self.background
        return self.upscaler(process.network)
