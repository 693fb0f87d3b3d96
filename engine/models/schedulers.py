"""The schedulers by their common names: one table, read by validation and by the painter.

The names are those of the AUTOMATIC1111 web interface in small letters; the mapping to Diffusers
classes is that of Diffusers' own documentation ("Schedulers", the table of k-diffusion names).
Those that need further packages (torchsde, scipy) are left out. Torch is not needed to read it;
`engine.diffusion.schedulers` builds the instances.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from engine.models.families import FAMILIES, Noise


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerChoice:
    """How a common name maps onto Diffusers classes.

    Attributes:
        class_name: Class in `diffusers.schedulers` for models that diffuse by betas, if one fits.
        flow_class_name: The same for models of the flow-matching kind.
        options: Configuration laid over the model's own.
        calls_per_step: Model calls that one step costs (2 for second-order methods).
        max_steps: The most steps that the method is defined for.
        smooth: Whether it adds no noise between steps and calls the model once a step, so that the
            model's predictions change smoothly from one to the next.
    """

    class_name: str | None = None
    flow_class_name: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    calls_per_step: int = 1
    max_steps: int = 1000
    smooth: bool = True

    def fits(self, noise: Noise) -> bool:
        """Whether a model whose noise is scheduled like that can be sampled by it."""
        name = self.class_name if noise is Noise.BETAS else self.flow_class_name
        return name is not None or self == OWN


OWN = SchedulerChoice()
"""The model's own scheduler, which always fits."""

DEFAULT_SCHEDULER = "default"
"""What the model's own scheduler is called."""


def _multistep(algorithm: str, order: int, *, flow: bool = False, **more: Any) -> SchedulerChoice:
    name = "DPMSolverMultistepScheduler"
    return SchedulerChoice(
        class_name=name,
        flow_class_name=name if flow else None,
        options={"algorithm_type": algorithm, "solver_order": order, **more},
        smooth=not algorithm.startswith("sde"),
    )


KARRAS = {"use_karras_sigmas": True}
EXPONENTIAL = {"use_exponential_sigmas": True}

# Distilled from a 50-step schedule: Luo et al., "Latent Consistency Models", 2023.
DISTILLED = {"original_inference_steps": 50}

SCHEDULERS: Mapping[str, SchedulerChoice] = MappingProxyType(
    {
        DEFAULT_SCHEDULER: OWN,
        "ddim": SchedulerChoice(class_name="DDIMScheduler"),
        "ddpm": SchedulerChoice(class_name="DDPMScheduler", smooth=False),
        "pndm": SchedulerChoice(class_name="PNDMScheduler", options={"skip_prk_steps": True}),
        "euler": SchedulerChoice(
            class_name="EulerDiscreteScheduler", flow_class_name="FlowMatchEulerDiscreteScheduler"
        ),
        "euler_karras": SchedulerChoice(class_name="EulerDiscreteScheduler", options=KARRAS),
        "euler_a": SchedulerChoice(class_name="EulerAncestralDiscreteScheduler", smooth=False),
        "heun": SchedulerChoice(
            class_name="HeunDiscreteScheduler",
            flow_class_name="FlowMatchHeunDiscreteScheduler",
            calls_per_step=2,
            smooth=False,
        ),
        "dpmpp_2m": _multistep("dpmsolver++", 2, flow=True),
        "dpmpp_2m_karras": _multistep("dpmsolver++", 2, **KARRAS),
        "dpmpp_2m_exponential": _multistep("dpmsolver++", 2, **EXPONENTIAL),
        "dpmpp_2m_sde": _multistep("sde-dpmsolver++", 2, flow=True),
        "dpmpp_2m_sde_karras": _multistep("sde-dpmsolver++", 2, **KARRAS),
        "dpmpp_3m_sde": _multistep("sde-dpmsolver++", 3),
        "dpmpp_3m_sde_exponential": _multistep("sde-dpmsolver++", 3, **EXPONENTIAL),
        "dpmpp_sde": SchedulerChoice(
            class_name="DPMSolverSinglestepScheduler",
            options={"algorithm_type": "sde-dpmsolver++", "solver_order": 2},
            smooth=False,
        ),
        "dpmpp_sde_karras": SchedulerChoice(
            class_name="DPMSolverSinglestepScheduler",
            options={"algorithm_type": "sde-dpmsolver++", "solver_order": 2, **KARRAS},
            smooth=False,
        ),
        "unipc": SchedulerChoice(
            class_name="UniPCMultistepScheduler", flow_class_name="UniPCMultistepScheduler"
        ),
        "deis": SchedulerChoice(class_name="DEISMultistepScheduler"),
        "lcm": SchedulerChoice(
            class_name="LCMScheduler", options=DISTILLED, max_steps=50, smooth=False
        ),
        "tcd": SchedulerChoice(
            class_name="TCDScheduler", options=DISTILLED, max_steps=50, smooth=False
        ),
    }
)


def allowed_schedulers(family: str | None) -> tuple[str, ...]:
    """The names that fit a model of that family, “default” first.

    Args:
        family: A name in `FAMILIES`; `None` for a model of which it is not known,
            where any name may fit.
    """
    if family is None:
        return tuple(SCHEDULERS)
    noise = FAMILIES[family].noise
    return tuple(name for name, choice in SCHEDULERS.items() if choice.fits(noise))
