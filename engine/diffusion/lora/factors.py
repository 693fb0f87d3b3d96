"""LoRA files of every kind as plain factors: what a layer gains is `up` times `down`.

Trainers write low-rank sums, Hadamard (LoHa) and Kronecker products (LoKr), or whole differences.
All of them are matrices that are added to a weight, so all of them become two factors, exactly,
with their scale inside: one kind of layer applies, batches and weighs them all. DoRA (Liu et al.,
2024, equation 5) multiplies the sum by magnitudes, which go along as one more rank.

The names are those of LyCORIS (Yeh et al., "Navigating Text-To-Image Customization", 2024).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod

import torch

Tensors = Mapping[str, torch.Tensor]
Shape = tuple[int, ...]

DOWN = ("lora_down.weight", "lora_A.weight")
UP = ("lora_up.weight", "lora_B.weight")
MAGNITUDE = ("dora_scale", "lora_magnitude_vector", "lora_magnitude_vector.weight")

KINDS: Mapping[str, str] = {
    "lora_up": "LoRA",
    "lora_B": "LoRA",
    "lora_mid": "LoCon (CP)",
    "dora_scale": "DoRA",
    "lora_magnitude_vector": "DoRA",
    "hada_w1": "LoHa",
    "lokr_w": "LoKr",
    "diff": "full difference",
}
"""The kinds that are read, by how the names of their tensors begin."""

OTHER_KINDS: Mapping[str, str] = {
    "oft_": "OFT",
    "boft_": "BOFT",
    "on_input": "IA³",
    "a1.weight": "GLoRA",
    "b1.weight": "GLoRA",
}
"""Kinds that multiply weights instead of adding to them, or that nothing here reads."""

_PART = re.compile(
    r"(?P<stem>.+?)\.(?P<part>alpha|scale|dora_scale|lora_magnitude_vector(?:\.weight)?|diff|diff_b"
    r"|lora_(?:down|up|mid|A|B)\.weight|lora_B\.bias|hada_\w+|lokr_\w+|b?oft_\w+|on_input"
    r"|[ab][12]\.weight|[wb]_norm|set_weight|bias|rescale)"
)

_OLD = re.compile(r"\.processor\.(to_[qkv]|to_out)_lora\.(down|up)\.weight$")
"""How Diffusers named the factors of attention layers in 2023."""


@dataclass(frozen=True, slots=True)
class Factors:
    """What one layer gains: `up` times `down`, with the scale inside.

    Attributes:
        down: Shape (rank, in), or (rank, in, height, width) for a convolution.
        up: Shape (out, rank), or (out, rank, 1, 1).
        magnitude: The norms that the layer's rows, shape (out, 1), or its columns, shape (1, in),
            have with it, by DoRA.
    """

    down: torch.Tensor
    up: torch.Tensor
    magnitude: torch.Tensor | None = None

    def with_magnitude(self) -> "Factors":
        """The magnitude, or zeros, as a last rank: whoever splits a layer splits it along."""
        down, up, magnitude = self.down.float(), self.up.float(), self.magnitude
        row, column = down.new_zeros(1, *down.shape[1:]), up.new_zeros(len(up), 1, *up.shape[2:])
        if magnitude is not None and of_rows(magnitude, len(up)):
            column = magnitude.reshape(column.shape).float()
        elif magnitude is not None:
            across = magnitude.reshape(1, -1, *[1] * (down.ndim - 2))
            row = across.expand_as(row).float()
        return Factors(torch.cat([down, row]), torch.cat([up, column], 1))


@dataclass(frozen=True, slots=True)
class LoraFile:
    """What a file of tensors means.

    Attributes:
        factors: By the name of the layer in the file.
        other: Tensors with names of another layout, as they are.
        unread: Names of tensors that nothing here applies.
        kind: The name of a kind that isn't read, if the file has it.
    """

    factors: Mapping[str, Factors]
    other: Tensors
    unread: tuple[str, ...] = ()
    kind: str | None = None

    @property
    def has_magnitudes(self) -> bool:
        return any(factors.magnitude is not None for factors in self.factors.values())


def of_rows(magnitude: torch.Tensor, rows: int) -> bool:
    """Whether DoRA's magnitudes are those of a weight's rows, of which there are `rows`."""
    return magnitude.shape[0] == rows and magnitude.numel() == rows


def read_factors(tensors: Tensors, shape_of: Callable[[str], Shape | None]) -> LoraFile:
    """What the tensors of a file mean.

    Args:
        tensors: By name.
        shape_of: Returns the shape of a layer's weight by its name in the file, if it has one.

    Raises:
        ValueError: Shapes don't fit each other.
    """
    layers: dict[str, dict[str, torch.Tensor]] = {}
    other: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if (match := _PART.fullmatch(_OLD.sub(r".\1.lora_\2.weight", name))) is not None:
            layers.setdefault(match["stem"], {})[match["part"]] = tensor
        else:
            other[name] = tensor
    factors, unread, kind = {}, [], None
    for stem, parts in layers.items():
        kind = kind or _other_kind(parts)
        read, rest = _read(parts, shape_of(stem))
        unread += [f"{stem}.{part}" for part in rest]
        if read is not None:
            factors[stem] = read
    return LoraFile(factors, other, tuple(unread), kind)


def _other_kind(parts: Tensors) -> str | None:
    for part in parts:
        for begin, kind in OTHER_KINDS.items():
            if part.startswith(begin):
                return kind
    return None


def _read(parts: Tensors, shape: Shape | None) -> tuple[Factors | None, list[str]]:
    """The factors of a layer, and the parts that aren't used."""
    rest = dict(parts)
    alpha = rest.pop("alpha", None)
    magnitude = next((rest.pop(name) for name in MAGNITUDE if name in rest), None)
    if magnitude is not None and magnitude.ndim == 1:
        magnitude = magnitude.unsqueeze(1)
    factors, rank = _factors(rest)
    if factors is None:
        return None, [*rest, *([MAGNITUDE[0]] if magnitude is not None else [])]
    if alpha is not None and rank is not None:
        factors = replace(factors, up=factors.up.float() * (float(alpha) / rank))
    return replace(_shaped(factors, shape), magnitude=magnitude), list(rest)


def _factors(rest: dict[str, torch.Tensor]) -> tuple[Factors | None, int | None]:
    """The factors without their scale, and the rank that alpha is divided by; takes the parts."""
    down_name = next((name for name in DOWN if name in rest), None)
    up_name = next((name for name in UP if name in rest), None)
    if down_name is not None and up_name is not None:
        down, up = rest.pop(down_name), rest.pop(up_name)
        if (mid := rest.pop("lora_mid.weight", None)) is not None:
            down = torch.einsum("rsij,sk->rkij", mid.float(), down.flatten(1).float())
        return Factors(down, up), len(down)
    if rest.keys() >= {"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"}:
        return _hadamard(rest)
    if rest.keys() & {"lokr_w1", "lokr_w1_a"} and rest.keys() & {"lokr_w2", "lokr_w2_a"}:
        return _kronecker(rest)
    if "diff" in rest and rest["diff"].ndim > 1:
        return _of_whole(rest.pop("diff")), None
    return None, None


def _hadamard(rest: dict[str, torch.Tensor]) -> tuple[Factors, int]:
    """(A₁ B₁) ∘ (A₂ B₂), whose rank is at most the product of both."""
    names = ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b")
    a1, b1, a2, b2 = (rest.pop(name).float() for name in names)
    rank = len(b1)
    if "hada_t1" in rest:
        one, two = rest.pop("hada_t1").float(), rest.pop("hada_t2").float()
        return _of_whole(_tucker(one, a1, b1) * _tucker(two, a2, b2)), rank
    if rank * len(b2) >= min(len(a1), b1.shape[1]):
        return _of_whole((a1 @ b1) * (a2 @ b2)), rank
    up = (a1[:, :, None] * a2[:, None, :]).flatten(1)
    down = (b1[:, None, :] * b2[None, :, :]).flatten(0, 1)
    return Factors(down, up), rank


def _kronecker(rest: dict[str, torch.Tensor]) -> tuple[Factors, int | None]:
    """W₁ ⊗ W₂, each whole or as a product."""
    ranks = [len(rest[name]) for name in ("lokr_w2_b", "lokr_w1_b") if name in rest]
    rank = ranks[0] if ranks else None
    one = _side(rest, "1")
    if "lokr_w2_a" in rest and "lokr_t2" not in rest:
        a, b = rest.pop("lokr_w2_a").float(), rest.pop("lokr_w2_b").float()
        return Factors(torch.kron(torch.eye(one.shape[1]), b), torch.kron(one, a)), rank
    two = _side(rest, "2")
    return _of_whole(torch.kron(one.reshape(*one.shape, *[1] * (two.ndim - 2)), two)), rank


def _side(rest: dict[str, torch.Tensor], side: str) -> torch.Tensor:
    """One of the two matrices of a Kronecker product."""
    if (whole := rest.pop(f"lokr_w{side}", None)) is not None:
        return whole.float()
    a, b = rest.pop(f"lokr_w{side}_a").float(), rest.pop(f"lokr_w{side}_b").float()
    core = rest.pop(f"lokr_t{side}", None)
    return a @ b if core is None else _tucker(core.float(), a, b)


def _shaped(factors: Factors, shape: Shape | None) -> Factors:
    """The factors with the dimensions of a layer's weight: kernels, or matrices.

    A kernel may be written flat, and a matrix as a kernel of one pixel.
    """
    if shape is None or prod(shape[1:]) != prod(factors.down.shape[1:]):
        return factors
    ones = [1] * (len(shape) - 2)
    if factors.up.ndim > 2 and factors.up.shape[2:] != torch.Size([1, 1]):
        return factors
    return Factors(
        factors.down.reshape(-1, *shape[1:]), factors.up.reshape(*factors.up.shape[:2], *ones)
    )


def _tucker(core: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    return torch.einsum("rsij,ro,sk->okij", core, rows, columns)


def _of_whole(weight: torch.Tensor) -> Factors:
    """Any matrix or kernel as factors, one of which is the identity."""
    rows, columns = weight.shape[:2]
    if weight.ndim == 2 and columns < rows:
        return Factors(torch.eye(columns), weight)
    return Factors(weight, torch.eye(rows).reshape(rows, rows, *[1] * (weight.ndim - 2)))
