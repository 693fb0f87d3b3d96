"""The control networks of the settings: which of them paints along which maps with which model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from engine.errors import InvalidRequest
from engine.jobs.control import Control, ControlKind
from engine.models.families import FAMILIES
from engine.network_settings import ControlSettings
from speech import join_list, phrase, say

KIND_NAMES: Mapping[ControlKind, str] = MappingProxyType(
    {
        ControlKind.POSE: phrase("pose"),
        ControlKind.DEPTH: phrase("depth"),
        ControlKind.EDGES: phrase("edges"),
        ControlKind.LINES: phrase("lines"),
        ControlKind.TILE: phrase("shapes and colours"),
    }
)
"""What people call them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlNetwork:
    """A control network.

    Attributes:
        name: What its owner calls it.
        source: Its folder, its file or its Hub ID.
        family: The family whose denoiser it controls.
        kinds: The maps that it was trained on.
    """

    name: str
    source: str
    family: str
    kinds: tuple[ControlKind, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownControl:
    """A published control network; what the settings leave open is taken from here.

    Attributes:
        family: The family whose denoiser it controls.
        kinds: The maps that it was trained on.
        licence: Its licence's name, if known.
        megabytes: What is downloaded, if known.
    """

    family: str
    kinds: tuple[ControlKind, ...]
    licence: str = ""
    megabytes: int | None = None


_UNION = (ControlKind.POSE, ControlKind.DEPTH, ControlKind.EDGES, ControlKind.LINES)

KNOWN_CONTROLS: Mapping[str, KnownControl] = MappingProxyType(
    {
        **{
            f"lllyasviel/{name}": KnownControl(
                family="sd", kinds=(kind,), licence="OpenRAIL", megabytes=723
            )
            for name, kind in (
                ("control_v11p_sd15_openpose", ControlKind.POSE),
                ("control_v11f1p_sd15_depth", ControlKind.DEPTH),
                ("control_v11p_sd15_canny", ControlKind.EDGES),
                ("control_v11p_sd15_lineart", ControlKind.LINES),
                ("control_v11f1e_sd15_tile", ControlKind.TILE),
            )
        },
        "OzzyGT/controlnet-union-promax-sdxl-1.0": KnownControl(
            family="sdxl", kinds=(*_UNION, ControlKind.TILE), licence="Apache 2.0", megabytes=2510
        ),
        "xinsir/controlnet-union-sdxl-1.0": KnownControl(
            family="sdxl", kinds=_UNION, licence="Apache 2.0", megabytes=2510
        ),
        "InstantX/Qwen-Image-ControlNet-Union": KnownControl(
            family="qwen-image", kinds=_UNION, licence="Apache 2.0"
        ),
        **{
            f"alibaba-pai/{source}": KnownControl(
                family="z-image", kinds=kinds, licence=licence, megabytes=megabytes
            )
            for source, kinds, licence, megabytes in (
                ("Z-Image-Turbo-Fun-Controlnet-Union", _UNION, "", 3102),
                ("Z-Image-Turbo-Fun-Controlnet-Union-2.1", _UNION, "", 6712),
                (
                    "Z-Image-Turbo-Fun-Controlnet-Union-2.1/"
                    "Z-Image-Turbo-Fun-Controlnet-Tile-2.1-2601-8steps.safetensors",
                    (ControlKind.TILE,),
                    "",
                    6712,
                ),
                ("Z-Image-Fun-Controlnet-Union-2.1", _UNION, "Apache 2.0", 6712),
                (
                    "Z-Image-Fun-Controlnet-Union-2.1/Z-Image-Fun-Controlnet-Tile-2.1.safetensors",
                    (ControlKind.TILE,),
                    "Apache 2.0",
                    6712,
                ),
            )
        },
    }
)
"""By Hub ID, or by file where a repository has several. A network for SD 1.5 has 361 million
numbers, here in float16; one for Z-Image 1.6 billion in its first version and 3.4 billion since, in
bfloat16."""


def known_control(source: str) -> KnownControl | None:
    """What is known of the network at `source`: a Hub ID, or a file in such a repository."""
    return KNOWN_CONTROLS.get(source) or KNOWN_CONTROLS.get("/".join(source.split("/")[:2]))


class ControlCatalogue:
    """The control networks of the settings."""

    def __init__(self, controls: Mapping[str, ControlSettings] | None = None) -> None:
        """Take what the settings name; those without a family are for Stable Diffusion XL."""
        self._networks: dict[str, ControlNetwork] = {}
        for name, settings in (controls or {}).items():
            known = known_control(settings.source)
            self._networks[name] = ControlNetwork(
                name=name,
                source=settings.source,
                family=settings.family or (known.family if known else "sdxl"),
                kinds=tuple(map(ControlKind, settings.types)) or (known.kinds if known else _UNION),
            )

    def __getitem__(self, name: str) -> ControlNetwork:
        """The network of that name. Raises `InvalidRequest` when it's not in the settings."""
        if (found := self._networks.get(name)) is None:
            raise InvalidRequest(
                say("The control network “{name}” is no longer configured.", name=name)
            )
        return found

    def __iter__(self) -> Iterator[ControlNetwork]:
        return iter(self._networks.values())

    def kinds(self, family: str | None) -> tuple[ControlKind, ...]:
        """The maps that models of the family can paint along."""
        found = {
            kind for one in self._networks.values() if one.family == family for kind in one.kinds
        }
        return tuple(kind for kind in ControlKind if kind in found)

    def chosen(self, control: Control, family: str | None, model: str) -> Control:
        """The control with the first network of the settings that takes its map.

        Args:
            control: What is asked for.
            family: The family of the model that paints.
            model: Its name.

        Raises:
            InvalidRequest: The model can't be controlled, or there is no network for it; or the
                numbers are out of their limits.
        """
        network = self.network_for(control.kind, family, model)
        control.check()
        return replace(
            control,
            network=network.name,
            strength=round(control.strength, 2),
            start=round(control.start, 2),
            end=round(control.end, 2),
        )

    def network_for(self, kind: ControlKind, family: str | None, model: str) -> ControlNetwork:
        """The network for such maps with models of that family. Raises as `chosen` does."""
        if family is None or not FAMILIES[family].control:
            raise InvalidRequest(
                say(
                    "{model} can't paint along a control picture. Use a model that can: "
                    "{families}.",
                    model=model,
                    families=join_list([f.label for f in FAMILIES.values() if f.control]),
                )
            )
        fitting = [one for one in self._networks.values() if one.family == family]
        for network in fitting:
            if kind in network.kinds:
                return network
        if fitting:
            raise InvalidRequest(
                say(
                    "{model} can't paint along {kind} here, only along: {kinds}.",
                    model=model,
                    kind=say(KIND_NAMES[kind]),
                    kinds=join_list([say(KIND_NAMES[each]) for each in self.kinds(family)]),
                )
            )
        raise InvalidRequest(
            say(
                "There's no control network for {label} models here. The bot's owner can name one "
                "in a section `[controls.NAME]` of the settings.",
                label=FAMILIES[family].label,
            )
        )
