"""`models plan`: how a model would run, on any card and before download."""

import asyncio
import re
from typing import NamedTuple, get_args

from cli.errors import CommandError
from cli.exits import Exit
from cli.models.catalogue import open_model_manager_of
from cli.models.plan_text import show_plan
from cli.settings import Settings
from engine import Catalogue, DeviceFacts, PlanTable
from engine.local_paths import exists, expanded
from engine.memory.device import IMAGINED, OWN_MEMORY, RAM_RESERVE
from engine.settings import Quantizing
from engine.sizes import InvalidSize, parse_bytes


class PlanOptions(NamedTuple):
    """What the plan is for, as typed.

    Attributes:
        vram: Memory of an imagined card, such as 8GB.
        ram: RAM beside that card, such as 16GB.
        device: The kind of that card: cuda, xpu or mps.
        size: Width and height of a picture in pixels, such as 1024x768.
        batch: Pictures per batch.
        quantize: Replaces `[engine] quantize`.
    """

    vram: str | None = None
    ram: str | None = None
    device: str | None = None
    size: str | None = None
    batch: int | None = None
    quantize: str | None = None


def show_plan_of(settings: Settings, model: str, options: PlanOptions) -> Exit:
    """Print the memory plan of a model by name, or of any source; whether it fits.

    Of several devices, each that needs another plan has its own; it has to fit on one of them.

    Raises:
        CommandError: When an option is invalid, or the model can't be inspected.
        DeviceUnavailable: When this machine doesn't have the configured device.
    """
    settings = _with_quantize(settings, options.quantize)
    facts = _imagined(options)
    width, height = _sides(options.size) if options.size else (None, None)
    plans: list[PlanTable] = []
    for device in settings.engine.devices if facts is None else settings.engine.devices[:1]:
        engine = settings.engine.on(device)
        here = settings.model_copy(update={"engine": engine})
        plan = asyncio.run(_plan(here, model, facts, width, height, options.batch))
        if plan not in plans:
            plans.append(plan)
            show_plan(plan)
    return Exit.DOES_NOT_FIT if all(plan.problem for plan in plans) else Exit.FINE


def _imagined(options: PlanOptions) -> DeviceFacts | None:
    """The card and RAM of the options; `None` for those of this machine."""
    if options.vram is None:
        if options.ram is not None:
            raise CommandError(Exit.USAGE, "--ram: add --vram, the card beside it.")
        if options.device is not None:
            raise CommandError(Exit.USAGE, "--device: add --vram, its memory.")
        return None
    kind = options.device or "cuda"
    if kind not in IMAGINED:
        known = ", ".join(IMAGINED)
        raise CommandError(Exit.USAGE, f"--device: “{kind}” is unknown. Use one of {known}.")
    vram = _size("--vram", options.vram)
    if options.ram is None:
        return DeviceFacts.imagined(vram, kind=kind)
    if kind not in OWN_MEMORY:
        raise CommandError(Exit.USAGE, f"--ram: the memory of {kind} is RAM. Leave it out.")
    ram = max(0, _size("--ram", options.ram) - RAM_RESERVE)
    return DeviceFacts.imagined(vram, ram_free_bytes=ram, kind=kind)


def _size(option: str, text: str) -> int:
    """Bytes of a size such as 8GB."""
    try:
        return parse_bytes(text)
    except InvalidSize as error:
        raise CommandError(Exit.USAGE, f"{option}: {error}") from None


async def _plan(
    settings: Settings,
    model: str,
    facts: DeviceFacts | None,
    width: int | None,
    height: int | None,
    batch: int | None,
) -> PlanTable:
    async with open_model_manager_of(settings, facts=facts) as (model_manager, catalogue):
        of = (
            model
            if _is_name(model, catalogue)
            else await model_manager.candidate(model, look_up=True)
        )
        return await model_manager.plan(of, width=width, height=height, batch=batch)


def _is_name(text: str, catalogue: Catalogue) -> bool:
    """Whether `text` names a model of the catalogue rather than a source."""
    looks_like_source = "/" in text or text.endswith((".safetensors", ".gguf"))
    return text in catalogue or not (looks_like_source or exists(expanded(text)))


def _sides(text: str) -> tuple[int, int]:
    """Pixels of a size such as 1024x768."""
    match = re.fullmatch(r"(\d{2,5})\s*[x×]\s*(\d{2,5})", text.strip(), re.IGNORECASE)
    if match is None:
        raise CommandError(Exit.USAGE, f"--size: “{text}” isn't a size. Write it like 1024x768.")
    return int(match[1]), int(match[2])


def _with_quantize(settings: Settings, way: str | None) -> Settings:
    if way is None:
        return settings
    if way not in get_args(Quantizing):
        known = ", ".join(get_args(Quantizing))
        raise CommandError(Exit.USAGE, f"--quantize: “{way}” is unknown. Use one of {known}.")
    engine = settings.engine.model_copy(update={"quantize": way})
    models = {
        name: model.model_copy(update={"quantize": None}) for name, model in settings.models.items()
    }
    return settings.model_copy(update={"engine": engine, "models": models})
