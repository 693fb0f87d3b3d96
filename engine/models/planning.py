"""From a model and what is in it to its memory plan."""

from collections.abc import Iterable

from engine.models.families import FAMILIES
from engine.models.inspection import Inspection
from engine.memory.plan_request import ANY_FAMILY, Case
from engine.memory.device import DeviceFacts
from engine.memory.profile import Learned, Measurement
from engine.models.catalogue import Model
from engine.settings import EngineSettings


def case_of(
    model: Model,
    inspection: Inspection,
    device: DeviceFacts,
    engine: EngineSettings,
    known: Iterable[Measurement] = (),
    *,
    width: int | None = None,
    height: int | None = None,
    batch: int | None = None,
) -> Case:
    """What the planner is asked about `model`.

    Args:
        model: Its entry in the catalogue.
        inspection: What it is made of.
        device: Where it shall run.
        engine: What the owner has decided.
        known: What was measured, of any model.
        width: Of a picture, pixels; without it the model's default, as for the next.
        height: Of a picture, pixels.
        batch: The most pictures in a step; without it that of the settings.
    """
    return Case(
        components=inspection.components,
        family=FAMILIES.get(inspection.family or "", ANY_FAMILY),
        device=device,
        wishes=model.wishes(engine),
        width=width or model.width,
        height=height or model.height,
        batch=batch or engine.batch_size,
        guided=model.guidance_scale > 1,
        steps=model.num_inference_steps,
        learned=Learned.select(known, model=model.name, device=device.name),
    )


def facts_of(settings: EngineSettings) -> DeviceFacts:
    """What this machine's device says of itself. Takes seconds: torch is imported here.

    Raises:
        DeviceUnavailable: When there is no such device.
    """
    from engine.diffusion import Device

    return Device.choose(settings).facts()
