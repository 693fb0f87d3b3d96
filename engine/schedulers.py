"""The schedulers by their common names: one table, read by validation and by the painter.

Torch is not needed to read it; `engine.diffusion.schedules` builds the instances.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class SchedulerChoice:
    """How a common name maps onto a Diffusers class.

    Attributes:
        class_name: Class in `diffusers.schedulers`; `None` for the one that the model brings.
        options: Configuration laid over the model's own.
        calls_per_step: Model calls that one step costs (2 for second-order methods).
        max_steps: The most steps that the method is defined for.
    """

    class_name: str | None
    options: Mapping[str, Any] = field(default_factory=dict)
    calls_per_step: int = 1
    max_steps: int = 1000


SCHEDULERS: Mapping[str, SchedulerChoice] = MappingProxyType(
    {
        "default": SchedulerChoice(None),
        "ddim": SchedulerChoice("DDIMScheduler"),
        "euler": SchedulerChoice("EulerDiscreteScheduler"),
        "euler_a": SchedulerChoice("EulerAncestralDiscreteScheduler"),
        "heun": SchedulerChoice("HeunDiscreteScheduler", calls_per_step=2),
        "dpmpp_2m": SchedulerChoice(
            "DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++", "solver_order": 2}
        ),
        "dpmpp_2m_karras": SchedulerChoice(
            "DPMSolverMultistepScheduler",
            {"algorithm_type": "dpmsolver++", "solver_order": 2, "use_karras_sigmas": True},
        ),
        "unipc": SchedulerChoice("UniPCMultistepScheduler"),
        # Distilled from a 50-step schedule: Luo et al., "Latent Consistency Models", 2023.
        "lcm": SchedulerChoice("LCMScheduler", {"original_inference_steps": 50}, max_steps=50),
    }
)
