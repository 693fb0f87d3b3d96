"""What each quantization method saves, costs and needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from engine.memory.activations import NUMBER_BYTES
from engine.memory.components import Component, Role
from engine.memory.device import DeviceFacts
from engine.memory.plan import Quantization, Residence
from speech import OR, join_list, say

WHOLE_ONLY = frozenset({Residence.OFFLOADED})
"""Weights that are more than their data (scales, quantization states) can't be streamed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizationMethod:
    """One quantization method.

    Attributes:
        bits: Per number, scales included.
        overhead: Time of a call relative to unquantized half precision.
        library: What has to be installed for it; empty if Diffusers does it alone.
        kinds: Kinds of device that support it.
        compute_capability: The least that an NVIDIA card needs.
        convolutions: Whether it shrinks convolutions too.
        activations: Whether activations are quantized too, and multiplied in as few bits, which the
            card has units for.
        moves: Where its weights can live besides being resident.
    """

    bits: float
    overhead: float
    library: str = ""
    kinds: frozenset[str] = frozenset({"cuda"})
    compute_capability: tuple[int, int] = (0, 0)
    convolutions: bool = False
    activations: bool = False
    moves: frozenset[Residence] = frozenset({Residence.OFFLOADED, Residence.STREAMED})


QUANTIZATION_METHODS: Mapping[Quantization, QuantizationMethod] = MappingProxyType(
    {
        Quantization.FLOAT8: QuantizationMethod(
            bits=8, overhead=1.1, library="torchao", compute_capability=(8, 9), moves=WHOLE_ONLY
        ),
        Quantization.FLOAT8_MATMUL: QuantizationMethod(
            bits=8,
            overhead=0.85,
            library="torchao",
            compute_capability=(8, 9),
            activations=True,
            moves=WHOLE_ONLY,
        ),
        Quantization.INT8_MATMUL: QuantizationMethod(
            bits=8,
            overhead=0.95,
            library="torchao",
            compute_capability=(8, 0),
            activations=True,
            moves=WHOLE_ONLY,
        ),
        Quantization.LAYERWISE: QuantizationMethod(
            bits=8, overhead=1.12, kinds=frozenset({"cuda", "cpu"}), convolutions=True
        ),
        Quantization.INT8: QuantizationMethod(
            bits=8,
            overhead=1.25,
            library="torchao",
            kinds=frozenset({"cuda", "cpu"}),
            moves=WHOLE_ONLY,
        ),
        # One float32 scale per 64 numbers.
        Quantization.NF4: QuantizationMethod(
            bits=4.5,
            overhead=1.2,
            library="bitsandbytes",
            moves=WHOLE_ONLY,
        ),
        Quantization.BNB8: QuantizationMethod(
            bits=8, overhead=2.2, library="bitsandbytes", moves=frozenset()
        ),
    }
)
"""The overheads are estimates, ordered as in “Exploring Quantization Backends in Diffusers”
(Hugging Face, May 2025; NF4 about as fast as bfloat16 there, 8-bit bitsandbytes far slower), with
more for NF4 since small cards unpack more slowly; measurements replace them. Tensor cores multiply
8 bits twice as fast as 16, but to quantize activations takes time, too, most of all uncompiled:
what is left of the gain is a guess.
"""

LINEAR_SHARE = 0.97
UNET_LINEAR_SHARE = 0.31
"""Of the parameters in `nn.Linear`: nearly all of a transformer; SD 1.5's UNet as counted."""


def why_unsupported(method: Quantization, device: DeviceFacts) -> str | None:
    """Why `device` doesn't support this `method`; `None` if it does."""
    facts = QUANTIZATION_METHODS[method]
    if device.kind not in facts.kinds:
        kinds = join_list([kind.upper() for kind in sorted(facts.kinds)], OR)
        return say(
            "{method} needs {kinds}, not {kind}", method=str(method), kinds=kinds, kind=device.kind
        )
    capability = device.compute_capability
    if capability is None and device.kind == "cuda" and facts.compute_capability > (0, 0):
        return say(
            "{method} needs an NVIDIA card, which {device} isn't",
            method=str(method),
            device=device.name,
        )
    if capability is not None and capability < facts.compute_capability:
        wanted, has = (".".join(map(str, c)) for c in (facts.compute_capability, capability))
        return say(
            "{method} needs a card with compute capability {wanted}, but this one has {has}",
            method=str(method),
            wanted=wanted,
            has=has,
        )
    if method in device.quantizations:
        return None
    if not facts.library:
        return say("{method} needs a newer torch than the one installed", method=str(method))
    return say(
        "{method} needs {library}, which isn't installed (run {command})",
        method=str(method),
        library=facts.library,
        command=f"pip install 'atelier[{facts.library}]'",
    )


def matmul_methods(device: DeviceFacts) -> list[Quantization]:
    """The fastest supported method that multiplies in fewer bits; empty without one."""
    methods = [method for method, facts in QUANTIZATION_METHODS.items() if facts.activations]
    return [method for method in methods if why_unsupported(method, device) is None][:1]


def best_methods(device: DeviceFacts) -> list[Quantization]:
    """The fastest supported method for each number of bits; the others are never better."""
    supported = [
        method
        for method, facts in QUANTIZATION_METHODS.items()
        if not facts.activations and why_unsupported(method, device) is None
    ]
    return list(
        {
            QUANTIZATION_METHODS[w].bits: w
            for w in sorted(supported, key=lambda w: -QUANTIZATION_METHODS[w].overhead)
        }.values()
    )


def weight_bytes(component: Component, dtype: str, method: Quantization | None) -> int:
    """Bytes of the weights of `component` as loaded in `dtype`, quantized by this `method`.

    Its LoRAs are loaded beside them, and not quantized.
    """
    if component.stored_as:
        return component.stored_bytes + component.adapter_bytes
    shrinking, bits = 0.0, 0.0
    if method is not None:
        shrinking = _shrinking(component, QUANTIZATION_METHODS[method])
        bits = QUANTIZATION_METHODS[method].bits
    number_bytes = NUMBER_BYTES[dtype]
    upcast = component.float32_parameters if dtype == "float16" else 0
    return int(
        shrinking * bits / 8
        + (component.parameters - shrinking) * number_bytes
        + upcast * (NUMBER_BYTES["float32"] - number_bytes)
        + component.adapter_bytes
    )


def _shrinking(component: Component, method: QuantizationMethod) -> float:
    """How many of the parameters of `component` are stored in fewer bits."""
    inside = component.parameters - component.outside_blocks - component.float32_parameters
    if method.convolutions:
        return inside * LINEAR_SHARE
    if component.linear_share is not None:
        return min(component.parameters * component.linear_share, inside)
    return inside * (UNET_LINEAR_SHARE if component.is_unet else LINEAR_SHARE)


def nearest_residence(residence: Residence, method: Quantization | None) -> Residence:
    """The nearest to `residence` where weights quantized by this `method` can live."""
    if (
        method is None
        or method not in QUANTIZATION_METHODS
        or residence in QUANTIZATION_METHODS[method].moves | {Residence.RESIDENT}
    ):
        return residence
    return (
        Residence.OFFLOADED
        if Residence.OFFLOADED in QUANTIZATION_METHODS[method].moves
        else Residence.RESIDENT
    )


def can_quantize(component: Component) -> bool:
    """Whether `component` can be quantized: a denoiser or text encoder that isn't yet."""
    if component.fixed or component.stored_as is not None:
        return False
    return component.role in (Role.DENOISER, Role.TEXT_ENCODER)
