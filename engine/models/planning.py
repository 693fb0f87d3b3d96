"""From a model and its inspection to the request for a memory plan."""

from engine.memory.components import Role
from engine.memory.device import DeviceFacts
from engine.memory.plan_request import ANY_FAMILY, ANY_TRANSFORMER, PlanRequest
from engine.memory.profiles import ModelProfile, ProfileStore
from engine.models.families import FAMILIES
from engine.models.inspection import Inspection
from engine.models.model import Model
from engine.settings import EngineSettings


def plan_request_of(
    model: Model,
    inspection: Inspection,
    device: DeviceFacts,
    engine: EngineSettings,
    known: ProfileStore | None = None,
    *,
    width: int | None = None,
    height: int | None = None,
    batch: int | None = None,
) -> PlanRequest:
    """The plan request for `model`.

    Args:
        model: Its entry in the catalogue.
        inspection: What it is made of.
        device: Where it runs.
        engine: The owner's settings.
        known: What was measured of any model; nothing if omitted.
        width: Of a picture, pixels; by default the model's.
        height: Of a picture, pixels; by default the model's.
        batch: The most pictures in a step; by default that of the settings, and one where a
            pipeline runs whole.
    """
    denoisers = (part.name for part in inspection.components if part.role is Role.DENOISER)
    other = ANY_TRANSFORMER if "transformer" in denoisers else ANY_FAMILY
    return PlanRequest(
        components=inspection.components,
        family=FAMILIES.get(inspection.family or "", other),
        device=device,
        memory_options=model.memory_options(engine),
        width=width or model.width,
        height=height or model.height,
        batch=batch or (engine.batch_size if inspection.family else 1),
        guided=model.guidance_scale > 1,
        steps=model.num_inference_steps,
        profile=known.profile(model.name, device.name) if known else ModelProfile(),
    )
