"""What is known of a checkpoint, and the licences of those in the table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from speech import phrase


@dataclass(frozen=True, slots=True)
class Licence:
    """The terms of a model.

    Attributes:
        name: As in the model card.
        note: What the owner of a Discord server needs to know, such as about commercial use.
    """

    name: str
    note: str


APACHE = Licence("Apache 2.0", phrase("commercial use allowed"))
MIT = Licence("MIT", phrase("commercial use allowed"))
RAIL = Licence("CreativeML OpenRAIL-M", phrase("commercial use allowed; some uses are prohibited"))
RAIL_PP = Licence(
    "CreativeML OpenRAIL++-M", phrase("commercial use allowed; some uses are prohibited")
)
JUGGERNAUT = Licence("CreativeML OpenRAIL-M", phrase("ask its makers before selling it"))
STABILITY = Licence(
    "Stability AI Community",
    phrase("free for private use; commercial use free below $1M revenue a year"),
)
FLUX_NC = Licence("FLUX Non-Commercial", phrase("no commercial use of the model itself"))
KOMMUNITY = Licence(
    "FLUX Kommunity",
    phrase("no commercial use of the model itself; pictures may be sold below $5M revenue"),
)
CIRCLESTONE_NC = Licence("CircleStone Labs Non-Commercial", phrase("no commercial use"))
QWEN_RESEARCH = Licence("Qwen Research", phrase("no commercial use"))
KREA = Licence("Krea 2 Community", phrase("commercial use allowed below $1M revenue a year"))
FAIR_AI = Licence(
    "faipl-1.0-sd",
    phrase("commercial use allowed; changed models must be shared under the same terms"),
)
NOOB_AI = Licence("faipl-1.0-sd", phrase("its makers prohibit selling it or its pictures"))
IDEOGRAM_NC = Licence("Ideogram Non-Commercial", phrase("no commercial use"))
NVIDIA_NC = Licence("NVIDIA NSCL", phrase("no commercial use"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Facts about one model; `None` leaves a value to the family.

    Attributes:
        family: Name in `engine.models.families.FAMILIES`; `None` if it runs whole.
        description: A line for lists of models, at most 100 characters.
        licence: Its terms.
        gated: Whether you must accept its terms on the Hub first.
        num_inference_steps: Default number of denoising steps.
        guidance_scale: Default guidance.
        side: Side of a square picture of the size it was trained for, pixels.
        min_side: Smallest sensible side, pixels.
        max_side: Largest sensible side, pixels.
        max_steps: The most steps that it is defined for.
        scheduler: Default scheduler, one of `engine.models.schedulers.SCHEDULERS`.
        scheduler_options: Override the configuration of its scheduler, and of any chosen one.
        variant: Weight variant to load.
        dtype: Precision of the weights, where the family's doesn't work.
        download_bytes: Size of the files that the pipeline reads.
        pipeline: Class of Diffusers, if it runs whole.
    """

    family: str | None
    description: str
    licence: Licence
    gated: bool = False
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    side: int | None = None
    min_side: int | None = None
    max_side: int | None = None
    max_steps: int | None = None
    scheduler: str | None = None
    scheduler_options: Mapping[str, Any] = field(default_factory=dict)
    variant: str | None = None
    dtype: str | None = None
    download_bytes: int | None = None
    pipeline: str | None = None


def gigabytes(number: float) -> int:
    """So many gigabytes, in bytes."""
    return round(number * 1e9)
