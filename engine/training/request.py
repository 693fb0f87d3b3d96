"""What a training is asked for: everything that determines its result, with the pictures."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self

MAX_STEPS = 20_000
MAX_RANK = 256
MAX_SAMPLES = 4


class Kind(StrEnum):
    """What is to be learnt."""

    SUBJECT = "subject"
    """One person, animal or thing."""
    STYLE = "style"
    """How pictures are made."""
    CONCEPT = "concept"
    """What several things have in common: a pose, a garment, a kind of place."""


class Optimizer(StrEnum):
    """What moves the weights."""

    ADAMW = "adamw"
    """torch's AdamW."""
    ADAMW8 = "adamw8bit"
    """bitsandbytes' AdamW, whose state takes a quarter of the memory (CUDA)."""
    PRODIGY = "prodigy"
    """prodigyopt's Prodigy, which finds its own learning rate: give it 1."""


KINDS: Mapping[Any, type | tuple[type, ...]] = MappingProxyType(
    {
        **{kind: kind for kind in (str, int, bool, Kind, Optimizer)},
        float: (int, float),
        tuple[str, ...]: tuple,
    }
)
"""By the type of a field, those of the values that it may be stored with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """A LoRA to be trained.

    Attributes:
        name: What it will be called.
        model: Name of the model that it is trained on.
        kind: What is to be learnt.
        trigger: The words that it will answer to.
        steps: Times that the weights are moved.
        rank: Of the two factors of each layer.
        learning_rate: How far they are moved.
        warmup_steps: Steps over which the learning rate rises from zero.
        side: Side of a square as large as the pictures are shown at most, pixels.
        batch: Pictures in one call of the denoiser.
        accumulate: Calls whose gradients are added up for one step.
        optimizer: What moves the weights.
        seed: Of the first weights, the order of the pictures, their noise and timesteps.
        text_encoder: Whether the text encoders are changed too, where captions are encoded anew in
            each step: Stable Diffusion and XL.
        text_encoder_rate: How far their weights are moved.
        convolutions: Whether a UNet's convolutions are changed too, beside attention.
        dora: Whether magnitudes are learnt apart from directions (Liu et al., "DoRA", 2024).
        ema: Whether the result is an average over the latest steps.
        caption_dropout: Share of the steps that see no caption, so that guidance keeps working.
            With pictures of a class only they lose theirs, and more of them, so that pictures
            without a caption stay as they were.
        min_snr_gamma: Bound on the weight of nearly noiseless timesteps (Hang et al., "Efficient
            Diffusion Training via Min-SNR Weighting Strategy", 2023); 0 for none. Not for flow
            matching.
        class_prompt: What the subject is one of, such as “a dog”, for prior preservation (Ruiz et
            al., "DreamBooth", 2023): pictures that the model itself paints of it are shown beside
            the subject's, and of those it has to predict what it does without the LoRA (Li and
            Hoiem, "Learning without Forgetting", 2016; OneTrainer's prior prediction,
            https://github.com/Nerogar/OneTrainer/pull/505), so that other dogs stay as they were.
            Of options in braces one is chosen for each picture, as in “a {red|blue} {house|car}”.
            Empty for none.
        class_pictures: How many of those are painted.
        checkpointing: Whether activations are computed again in the backward pass rather than kept.
        quantize: Whether the frozen model is kept in four bits (Dettmers et al., "QLoRA", 2023).
        sample_prompts: Painted every so often, from the same seeds.
        sample_every: Steps between two of those.
        checkpoint_every: Steps between two checkpoints.
    """

    name: str
    model: str
    kind: Kind
    trigger: str
    steps: int
    rank: int
    learning_rate: float
    side: int
    warmup_steps: int = 0
    batch: int = 1
    accumulate: int = 1
    optimizer: Optimizer = Optimizer.ADAMW
    seed: int = 0
    text_encoder: bool = False
    text_encoder_rate: float = 5e-5
    convolutions: bool = False
    dora: bool = False
    ema: bool = False
    caption_dropout: float = 0.05
    min_snr_gamma: float = 5.0
    class_prompt: str = ""
    class_pictures: int = 0
    checkpointing: bool = False
    quantize: bool = False
    sample_prompts: tuple[str, ...] = ()
    sample_every: int = 250
    checkpoint_every: int = 100

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """What was stored. Raises `ValueError` or `TypeError` when it isn't that."""
        known = {field.name for field in fields(cls)}
        request = cls(**{key: value[key] for key in known & set(value)})
        request = replace(
            request,
            kind=Kind(request.kind),
            optimizer=Optimizer(request.optimizer),
            sample_prompts=tuple(request.sample_prompts),
        )
        for field in fields(cls):
            if not isinstance(getattr(request, field.name), KINDS[field.type]):
                raise TypeError(f"{field.name} isn't of its kind")
        return request

    def same_course(self, other: "TrainingRequest") -> bool:
        """Whether a training that was begun as `other` can go on as this one.

        Only what doesn't change the weights of a step may differ.
        """
        free: dict[str, Any] = {
            "steps": 0,
            "checkpointing": False,
            "sample_prompts": (),
            "sample_every": 0,
            "checkpoint_every": 0,
        }
        return replace(self, **free) == replace(other, **free)
