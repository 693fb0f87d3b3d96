"""Which precision is safe for a model on a device, and what to use where one overflows.

Float16 ends at 65504, and what a model computes may be larger. Then the latents become NaN, and the
picture black. Bfloat16 reaches as far as float32.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from engine.memory.device import DeviceFacts
from engine.memory.plan import Stage
from engine.models.families import FamilyFacts

RANGES = ("float16", "bfloat16", "float32")
"""From the least range to the largest precision: what overflows in one may not in a later one."""

BROKEN_FLOAT16 = re.compile(
    r"\b(?:1630|1650|1660|30HX|MX450|MX550|T400|T500|T550|T600|T1000|T1200|T2000)\b"
)
"""In the names of cards with a Turing chip without tensor cores (TU116, TU117), on which cuDNN's
convolutions in float16 give NaN: GTX 16xx, and their siblings for laptops, workstations and mining.

Sources: pytorch/pytorch#58123 and #77955 on GitHub, and the list of such cards in ComfyUI's
`model_management.py`; the T400 has the same chip.
"""


@dataclass(frozen=True, slots=True)
class Overflow:
    """A model that has overflowed on a device, and didn't in a wider type.

    Attributes:
        model: The model's name.
        device: The device's name.
        stage: `Stage.STEP` for its latents, `Stage.DECODE` if only the VAE overflowed.
        dtype: What was computed in.
    """

    model: str
    device: str
    stage: Stage
    dtype: str


def computes_float16(card: str) -> bool:
    """Whether the NVIDIA card of that name computes in float16 without giving NaN."""
    return BROKEN_FLOAT16.search(card) is None


def safe_dtype(
    family: FamilyFacts,
    device: DeviceFacts,
    setting: str = "auto",
    overflowed: Collection[str] = (),
) -> str:
    """What to compute in: the half precision that is safe for the family, or else float32.

    On a CPU it is float32, since half precision is emulated there.

    Args:
        family: Of the model.
        device: Where it runs.
        setting: The owner's, which is followed unless it overflowed.
        overflowed: The types in which the model overflowed on the device.
    """
    narrow = RANGES[: 1 + max(map(RANGES.index, overflowed), default=-1)]
    if setting not in ("auto", *narrow):
        return setting
    if device.kind == "cpu":
        return "float32"
    works = {"float16": device.float16 and family.float16, "bfloat16": device.bf16}
    halves = [dtype for dtype in works if works[dtype] and dtype not in narrow]
    return family.dtype if family.dtype in halves else next(iter(halves), "float32")
