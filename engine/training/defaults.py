"""What is trained how, where nobody says otherwise: by family and kind, with their sources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from engine.models.model import Model
from engine.settings import BUILT_IN_MODEL
from engine.training.request import MAX_SAMPLES, Kind, Optimizer, TrainingRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingDefaults:
    """Values for models of a family.

    Attributes:
        side: Of a square, pixels.
        rank: Of the factors.
        learning_rate: With AdamW.
        steps: By kind; a style needs more than a subject, since it is in more pictures.
        batch: Pictures in a call.
        convolutions: Whether convolutions are changed too.
        ema: Whether the result is an average over the latest steps.
        min_snr_gamma: Bound on the weight of nearly noiseless timesteps; 0 for none.
    """

    side: int
    rank: int
    learning_rate: float
    steps: Mapping[Kind, int]
    batch: int = 1
    convolutions: bool = False
    ema: bool = False
    min_snr_gamma: float = 5.0


def _steps(subject: int, style: int, concept: int) -> Mapping[Kind, int]:
    return MappingProxyType({Kind.SUBJECT: subject, Kind.STYLE: style, Kind.CONCEPT: concept})


DEFAULTS: Mapping[str, TrainingDefaults] = MappingProxyType(
    {
        # Diffusers' text_to_image/README (1e-4), OneTrainer's preset (rank 16 to 32).
        "sd": TrainingDefaults(
            side=512, rank=16, learning_rate=1e-4, steps=_steps(1000, 1500, 1500), batch=2
        ),
        # kohya's sd-scripts for SDXL (1e-4, rank 32, Min-SNR 5).
        "sdxl": TrainingDefaults(
            side=1024, rank=32, learning_rate=1e-4, steps=_steps(1200, 2000, 1600)
        ),
        # Diffusers' README_flux and kohya's flux_train_network (1e-4, rank 16).
        "flux": TrainingDefaults(
            side=768, rank=16, learning_rate=1e-4, steps=_steps(1200, 2000, 1600)
        ),
        # SimpleTuner's FLUX2.md (1e-4, rank 16, 512 to 1024).
        "flux2-klein": TrainingDefaults(
            side=768, rank=16, learning_rate=1e-4, steps=_steps(1200, 2000, 1600)
        ),
        # SimpleTuner's ZIMAGE.md and ai-toolkit (1e-4, rank 16, 2000 steps, up to 768).
        "z-image": TrainingDefaults(
            side=768, rank=16, learning_rate=1e-4, steps=_steps(2000, 2500, 2000)
        ),
        # SimpleTuner's QWEN_IMAGE.md (2e-4, rank 8 to 16, 512).
        "qwen-image": TrainingDefaults(
            side=512, rank=16, learning_rate=2e-4, steps=_steps(1500, 2000, 2000)
        ),
    }
)

SKETCH = TrainingDefaults(
    side=128,
    rank=32,
    learning_rate=2e-3,
    steps=_steps(1300, 1300, 1300),
    batch=6,
    convolutions=True,
    ema=True,
    min_snr_gamma=0.0,
)
"""Of the built-in model, which knows few things and has few layers; see `benchmarks.training`."""

WARMUP = 0.05
"""Share of the steps over which the learning rate rises."""


def defaults_of(model: Model) -> TrainingDefaults:
    """What is usual for a model of a family in `DEFAULTS`."""
    return SKETCH if model.name == BUILT_IN_MODEL else DEFAULTS[model.family or ""]


def default_request(model: Model, name: str, kind: Kind, trigger: str) -> TrainingRequest:
    """A training as it is usual for that model and kind."""
    usual = defaults_of(model)
    return with_warmup(
        TrainingRequest(
            name=name,
            model=model.name,
            kind=kind,
            trigger=trigger,
            steps=usual.steps[kind],
            rank=usual.rank,
            learning_rate=usual.learning_rate,
            side=min(usual.side, model.max_side),
            batch=usual.batch,
            convolutions=usual.convolutions,
            ema=usual.ema,
            min_snr_gamma=usual.min_snr_gamma,
        )
    )


def with_changes(request: TrainingRequest, changes: Mapping[str, Any]) -> TrainingRequest:
    """The request with other values; Prodigy finds its own learning rate, and is given 1."""
    if changes.get("optimizer") is Optimizer.PRODIGY:
        changes = {"learning_rate": 1.0, **changes}
    return replace(request, **changes)


def with_warmup(request: TrainingRequest) -> TrainingRequest:
    """The request with a warm-up that is usual for its steps."""
    return replace(request, warmup_steps=int(request.steps * WARMUP))


def sample_prompts(request: TrainingRequest, captions: Sequence[str]) -> tuple[str, ...]:
    """Prompts that show how a training goes: the trigger alone, its class, and captions."""
    wanted = (request.trigger, request.class_prompt, *captions)
    return tuple(dict.fromkeys(filter(None, wanted)))[:MAX_SAMPLES]
