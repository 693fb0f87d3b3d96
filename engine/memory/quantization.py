"""What each way to quantize saves, costs and needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from engine.memory.components import Component, Role
from engine.memory.device import DeviceFacts
from engine.memory.plan import Quantization, Residence
from speech import OR, listed, say

AS_A_WHOLE = frozenset({Residence.VISITS})
"""Weights that are more than their data (scales, quantization states) do not come in blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizationMethod:
    """One way to quantize.

    Attributes:
        bits: Per number, scales included.
        overhead: Time of a call relative to unquantized half precision.
        library: What has to be installed for it; empty when Diffusers does it alone.
        kinds: Kinds of device that can.
        compute_capability: The least that a CUDA device needs.
        convolutions: Whether it shrinks convolutions too.
        moves: How its weights can live besides staying.
    """

    bits: float
    overhead: float
    library: str = ""
    kinds: frozenset[str] = frozenset({"cuda"})
    compute_capability: tuple[int, int] = (0, 0)
    convolutions: bool = False
    moves: frozenset[Residence] = frozenset({Residence.VISITS, Residence.STREAMS})


QUANTIZATION_METHODS: Mapping[Quantization, QuantizationMethod] = MappingProxyType(
    {
        Quantization.FLOAT8: QuantizationMethod(
            bits=8, overhead=1.1, library="torchao", compute_capability=(8, 9), moves=AS_A_WHOLE
        ),
        Quantization.LAYERWISE: QuantizationMethod(
            bits=8, overhead=1.12, kinds=frozenset({"cuda", "cpu"}), convolutions=True
        ),
        Quantization.INT8: QuantizationMethod(
            bits=8,
            overhead=1.25,
            library="torchao",
            kinds=frozenset({"cuda", "cpu"}),
            moves=AS_A_WHOLE,
        ),
        # One float32 scale per 64 numbers.
        Quantization.NF4: QuantizationMethod(
            bits=4.5,
            overhead=1.2,
            library="bitsandbytes",
            moves=AS_A_WHOLE,
        ),
        Quantization.BNB8: QuantizationMethod(
            bits=8, overhead=2.2, library="bitsandbytes", moves=frozenset()
        ),
    }
)
"""The overheads are estimates, ordered as in “Exploring Quantization Backends in Diffusers”
(Hugging Face, May 2025; NF4 about as fast as bfloat16 there, 8-bit bitsandbytes far slower), with
more for NF4 since small cards unpack more slowly; measurements replace them.
"""

LINEAR_SHARE = 0.97
UNET_LINEAR_SHARE = 0.31
"""Of the parameters in `nn.Linear`: nearly all of a transformer; SD 1.5's UNet as counted."""


def why_unsupported(way: Quantization, device: DeviceFacts) -> str | None:
    """Why `device` cannot quantize in this `way`; `None` when it can."""
    facts = QUANTIZATION_METHODS[way]
    if device.kind not in facts.kinds:
        kinds = listed([kind.upper() for kind in sorted(facts.kinds)], OR)
        return say("{way} needs {kinds}, not {kind}", way=str(way), kinds=kinds, kind=device.kind)
    capability = device.compute_capability or (0, 0)
    if device.kind == "cuda" and capability < facts.compute_capability:
        wanted, has = (".".join(map(str, c)) for c in (facts.compute_capability, capability))
        return say(
            "{way} needs a card with compute capability {wanted}, but this one has {has}",
            way=str(way),
            wanted=wanted,
            has=has,
        )
    if way in device.quantizations:
        return None
    if not facts.library:
        return say("{way} needs a newer torch than the one installed", way=str(way))
    return say("{way} needs {library}, which isn't installed", way=str(way), library=facts.library)


def best_methods(device: DeviceFacts) -> list[Quantization]:
    """The fastest possible way of each number of bits; the others would only ever lose."""
    possible = [way for way in QUANTIZATION_METHODS if why_unsupported(way, device) is None]
    return list(
        {
            QUANTIZATION_METHODS[w].bits: w
            for w in sorted(possible, key=lambda w: -QUANTIZATION_METHODS[w].overhead)
        }.values()
    )


def weight_bytes(component: Component, number_bytes: int, way: Quantization | None) -> int:
    """Bytes of the weights of `component` as loaded, in numbers of `number_bytes` or in a `way`."""
    if component.stored_as:
        return component.stored_bytes
    if way is None:
        return component.parameters * number_bytes
    shrinking = _shrinking(component, QUANTIZATION_METHODS[way])
    return int(
        shrinking * QUANTIZATION_METHODS[way].bits / 8
        + (component.parameters - shrinking) * number_bytes
    )


def _shrinking(component: Component, way: QuantizationMethod) -> float:
    """How many of the parameters of `component` are stored in fewer bits."""
    inside = component.parameters - component.outside_blocks
    if way.convolutions:
        return inside * LINEAR_SHARE
    if component.linear_share is not None:
        return min(component.parameters * component.linear_share, inside)
    return inside * (UNET_LINEAR_SHARE if component.is_unet else LINEAR_SHARE)


def settle(residence: Residence, way: Quantization | None) -> Residence:
    """The nearest to `residence` that weights quantized in this `way` can live in."""
    if (
        way is None
        or way not in QUANTIZATION_METHODS
        or residence in QUANTIZATION_METHODS[way].moves | {Residence.STAYS}
    ):
        return residence
    return (
        Residence.VISITS if Residence.VISITS in QUANTIZATION_METHODS[way].moves else Residence.STAYS
    )


def applies(component: Component) -> bool:
    """Whether the plan may quantize `component`: a denoiser or text encoder not yet quantized."""
    return component.stored_as is None and component.role in (Role.DENOISER, Role.TEXT_ENCODER)
