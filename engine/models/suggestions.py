"""Which models to start with on a device, by the memory plan and without the network."""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.hub.downloads import RESERVE
from engine.memory.device import DeviceFacts
from engine.memory.plan_table import describe_plan
from engine.memory.planner import choose
from engine.memory.speed import seconds
from engine.models.candidates import licence_line
from engine.models.inspection import known_inspection
from engine.models.model import Model
from engine.models.origins import disk_usage_of, origin_of
from engine.models.planning import plan_request_of
from engine.settings import EngineSettings, ModelSettings

BEST_FIRST = (
    "Tongyi-MAI/Z-Image-Turbo",
    "black-forest-labs/FLUX.2-klein-4B",
    "SG161222/RealVisXL_V5.0_Lightning",
    "Lykon/dreamshaper-xl-lightning",
    "cagliostrolab/animagine-xl-4.0",
    "Lykon/dreamshaper-8",
    "SimianLuo/LCM_Dreamshaper_v7",
)
"""Checkpoints to start with: one of a kind, and none whose terms have to be accepted first."""

QUICK, SLOWEST = 1.12, 1.5
"""Times relative to everything on the device: beyond the first, a model comes after quicker ones;
beyond the second, it isn't suggested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A model to start with.

    Attributes:
        source: Its Hub ID.
        description: What it is, in a few words.
        licence: Its terms in a line.
        disk_bytes: Size of its files.
        download_bytes: What of them isn't on disk yet.
        ram_bytes: What its weights take of RAM.
        plan: How it would run, in words.
        seconds: Expected time of a picture, on a card of the speed that plans assume.
        slowdown: Expected time relative to everything on the device.
    """

    source: str
    description: str
    licence: str | None
    disk_bytes: int
    download_bytes: int
    ram_bytes: int
    plan: str
    seconds: float
    slowdown: float


def suggest_models(
    device: DeviceFacts, settings: EngineSettings, free_disk: int, most: int = 5
) -> list[Suggestion]:
    """The best models that fit, those first that moving weights hardly slows.

    None are suggested for a CPU, where any of them takes minutes.

    Args:
        device: Where they run.
        settings: The owner's settings.
        free_disk: Free bytes where downloads are kept.
        most: How many.
    """
    if device.kind == "cpu":
        return []
    fitting = _fitting(device, settings, free_disk)
    return sorted(fitting, key=lambda each: each.slowdown > QUICK)[:most]


def _fitting(device: DeviceFacts, settings: EngineSettings, free_disk: int) -> Iterator[Suggestion]:
    for source in BEST_FIRST:
        model = Model.of(source, ModelSettings(source=source))
        inspection = known_inspection(origin_of(model))
        if inspection is None:
            continue
        request = plan_request_of(model, inspection, device, settings, batch=1)
        choice = choose(request)
        missing = max(0, inspection.total_bytes - disk_usage_of(model).size)
        if choice.fits and choice.plan.slowdown <= SLOWEST and missing + RESERVE <= free_disk:
            yield Suggestion(
                source=source,
                description=model.description,
                licence=licence_line(model),
                disk_bytes=inspection.total_bytes,
                download_bytes=missing,
                ram_bytes=choice.plan.ram_bytes,
                plan=describe_plan(choice.plan),
                seconds=seconds(request, choice.plan),
                slowdown=choice.plan.slowdown,
            )
