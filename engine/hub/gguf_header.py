"""The header of a GGUF file: which tensors there are, and in which quantization.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import struct
from collections.abc import Mapping
from math import prod
from types import MappingProxyType
from typing import Any

from engine.hub.tensor_headers import Tensor
from speech import say

MAGIC = b"GGUF"
STRING, ARRAY = 8, 9

MAX_DIMENSIONS = 8
MAX_NESTING = 8
"""More than any real file has of dimensions, and of arrays within arrays."""

SCALARS: Mapping[int, str] = MappingProxyType(
    {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
)
"""Type of a value in the header → its `struct` format."""

LAYOUTS: Mapping[int, tuple[int, int]] = MappingProxyType(
    {
        0: (1, 4),  # F32
        1: (1, 2),  # F16
        2: (32, 18),  # Q4_0
        3: (32, 20),  # Q4_1
        6: (32, 22),  # Q5_0
        7: (32, 24),  # Q5_1
        8: (32, 34),  # Q8_0
        9: (32, 40),  # Q8_1
        10: (256, 84),  # Q2_K
        11: (256, 110),  # Q3_K
        12: (256, 144),  # Q4_K
        13: (256, 176),  # Q5_K
        14: (256, 210),  # Q6_K
        15: (256, 292),  # Q8_K
        16: (256, 66),  # IQ2_XXS
        17: (256, 74),  # IQ2_XS
        18: (256, 98),  # IQ3_XXS
        19: (256, 50),  # IQ1_S
        20: (32, 18),  # IQ4_NL
        21: (256, 110),  # IQ3_S
        22: (256, 82),  # IQ2_S
        23: (256, 136),  # IQ4_XS
        24: (1, 1),  # I8
        25: (1, 2),  # I16
        26: (1, 4),  # I32
        27: (1, 8),  # I64
        28: (1, 8),  # F64
        29: (256, 56),  # IQ1_M
        30: (1, 2),  # BF16
    }
)
"""Type of a tensor → how many numbers a block holds, and in how many bytes."""


class HeaderIncomplete(Exception):
    """The bytes end before the header does."""


class NotGGUF(Exception):
    """The bytes aren't a supported GGUF header; `reason` says why, for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_header(data: bytes) -> tuple[tuple[Tensor, ...], int]:
    """The tensors in the order of the header, and the length of the whole file.

    Shapes are in torch's order, the reverse of the file's.

    Args:
        data: The file's beginning.

    Raises:
        HeaderIncomplete: More of the file is needed.
        NotGGUF: It is something else, or of an unsupported version.
    """
    reader = _Reader(data)
    if reader.take(4) != MAGIC:
        raise NotGGUF(say("it doesn't start with GGUF"))
    if (version := reader.number("I")) not in (2, 3):
        raise NotGGUF(say("unknown version {version}", version=version))
    count, values = reader.number("Q"), reader.number("Q")
    settings = {reader.text(): reader.value() for _ in range(values)}
    tensors, end = [], 0
    for _ in range(count):
        name = reader.text()
        dimensions = reader.number("I")
        if dimensions > MAX_DIMENSIONS:
            raise NotGGUF(say("a tensor with {count} dimensions", count=dimensions))
        shape = tuple(reversed([reader.number("Q") for _ in range(dimensions)]))
        kind, offset = reader.number("I"), reader.number("Q")
        if kind not in LAYOUTS:
            raise NotGGUF(say("unknown quantization {kind}", kind=kind))
        numbers, size = LAYOUTS[kind]
        stored = prod(shape) * size // numbers
        tensors.append(Tensor(name, shape, stored))
        end = max(end, offset + stored)
    alignment = settings.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1:
        raise NotGGUF(say("impossible alignment {alignment}", alignment=str(alignment)))
    return tuple(tensors), -(-reader.position // alignment) * alignment + end


class _Reader:
    """Reads a header's bytes, all little-endian."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def take(self, size: int) -> bytes:
        end = self.position + size
        if end > len(self._data):
            raise HeaderIncomplete
        taken = self._data[self.position : end]
        self.position = end
        return taken

    def number(self, form: str) -> int:
        return int(self._scalar(form))

    def text(self) -> str:
        return self.take(self.number("Q")).decode("utf-8", "replace")

    def value(self) -> Any:
        return self._value(self.number("I"))

    def _value(self, kind: int, depth: int = 0) -> Any:
        if kind == STRING:
            return self.text()
        if kind == ARRAY:
            if depth >= MAX_NESTING:
                raise NotGGUF(say("arrays nested more than {most} deep", most=MAX_NESTING))
            inner = self.number("I")
            return [self._value(inner, depth + 1) for _ in range(self.number("Q"))]
        if kind not in SCALARS:
            raise NotGGUF(say("unknown value type {kind}", kind=kind))
        return self._scalar(SCALARS[kind])

    def _scalar(self, form: str) -> Any:
        return struct.unpack("<" + form, self.take(struct.calcsize(form)))[0]
