"""The headers of weight files: which tensors there are, without reading them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from huggingface_hub.utils._safetensors import SafetensorsFileMetadata

from engine.hub.errors import CorruptFile
from speech import say

HEADER_LIMIT = 100_000_000
"""The most bytes of a safetensors header, as in the reference implementation."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a file; `stored` is in bytes."""

    name: str
    shape: tuple[int, ...]
    stored: int

    @property
    def parameters(self) -> int:
        return prod(self.shape)


def read_safetensors(path: Path) -> tuple[Tensor, ...]:
    """The tensors of a file, whose length must match its header.

    Raises:
        CorruptFile: It is cut off, or of another format.
        OSError: It can't be read.
    """
    raw, length = _raw_header(path)
    return parse_safetensors(raw, length, path)


def safetensors_metadata(path: Path) -> dict[str, str]:
    """What a `.safetensors` file says of itself, such as `ss_base_model_version`.

    Raises:
        CorruptFile: Its header can't be read.
        OSError: It can't be read.
    """
    raw, _ = _raw_header(path)
    try:
        written = json.loads(raw).get("__metadata__") or {}
        return {str(key): str(value) for key, value in written.items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise CorruptFile(
            say("{path} has no readable header. Download it again.", path=path)
        ) from error


def _raw_header(path: Path) -> tuple[bytes, int]:
    """The header of a file without the eight bytes before it, and how long the file is."""
    length = path.stat().st_size
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if not 2 <= size <= min(HEADER_LIMIT, length - 8):
            raise CorruptFile(
                say("{path} is cut off or isn't a .safetensors file. Download it again.", path=path)
            )
        return file.read(size), length


def parse_safetensors(raw: bytes, length: int, path: Path | str) -> tuple[Tensor, ...]:
    """The tensors by the JSON of a header.

    Args:
        raw: The header, without the eight bytes before it.
        length: Bytes of the whole file.
        path: The file, for sentences.

    Raises:
        CorruptFile: It can't be read, or the file has another length than it says.
    """
    try:
        header = json.loads(raw)
        tensors = tuple(
            Tensor(name, _shape(entry["shape"]), _length(entry["data_offsets"]))
            for name, entry in header.items()
            if name != "__metadata__"
        )
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name[:2] != "__"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptFile(
            say("{path} has no readable header. Download it again.", path=path)
        ) from error
    if length != (expected := 8 + len(raw) + max(ends, default=0)):
        raise CorruptFile(
            say(
                "{path} should have {expected} bytes but has {length}. Download it again.",
                path=path,
                expected=expected,
                length=length,
            )
        )
    return tensors


def _shape(written: Any) -> tuple[int, ...]:
    """The shape in a header. Raises `ValueError` unless it's a list of numbers from 0 up."""
    if not isinstance(written, list) or not all(type(n) is int and n >= 0 for n in written):
        raise ValueError("not a shape")
    return tuple(written)


def _length(offsets: Any) -> int:
    """Bytes between two offsets. Raises `ValueError` unless they are two rising numbers."""
    begin, end = offsets
    if type(begin) is not int or type(end) is not int or not 0 <= begin <= end:
        raise ValueError("not offsets")
    return end - begin


def from_hub(metadata: SafetensorsFileMetadata) -> tuple[Tensor, ...]:
    """The tensors of a file on the Hub."""
    return tuple(
        Tensor(name, tuple(info.shape), info.data_offsets[1] - info.data_offsets[0])
        for name, info in metadata.tensors.items()
    )


NESTED = frozenset({"down_blocks", "up_blocks", "input_blocks", "output_blocks", "down", "up"})
"""Names of a UNet's stages; what a stage is made of are its blocks."""


def largest_block(tensors: tuple[Tensor, ...]) -> int:
    """Parameters of the largest repeated block, such as `transformer_blocks.7`.

    A model without repeated blocks is one block.
    """
    blocks: dict[str, int] = {}
    for tensor in tensors:
        if block := _block_of(tensor.name):
            blocks[block] = blocks.get(block, 0) + tensor.parameters
    return max(blocks.values(), default=sum(tensor.parameters for tensor in tensors))


def largest_layer(tensors: tuple[Tensor, ...]) -> int:
    """Parameters of the largest single layer within repeated blocks, or of all without blocks."""
    return _largest_of([one for one in tensors if _block_of(one.name)] or tensors)


def outside_layer(tensors: tuple[Tensor, ...]) -> int:
    """Parameters of the largest single layer outside of repeated blocks; 0 if there is none."""
    return _largest_of([one for one in tensors if not _block_of(one.name)])


def _largest_of(tensors: Iterable[Tensor]) -> int:
    layers: dict[str, int] = {}
    for tensor in tensors:
        layer = tensor.name.rpartition(".")[0]
        layers[layer] = layers.get(layer, 0) + tensor.parameters
    return max(layers.values(), default=0)


def outside_blocks(tensors: tuple[Tensor, ...]) -> int:
    """Parameters outside of repeated blocks, such as embeddings; 0 without repeated blocks."""
    outside = [tensor.parameters for tensor in tensors if not _block_of(tensor.name)]
    return sum(outside) if len(outside) < len(tensors) else 0


def float32_parameters(class_name: str, tensors: tuple[Tensor, ...]) -> int:
    """Parameters of T5's `wo`, which Transformers keeps in float32 when the rest is in float16."""
    if not class_name.startswith(("T5", "UMT5")):
        return 0
    return sum(tensor.parameters for tensor in tensors if tensor.name.endswith(".wo.weight"))


def linear_share(tensors: tuple[Tensor, ...]) -> float | None:
    """Share of the parameters in matrices within blocks; `None` without repeated blocks."""
    blocks = [tensor for tensor in tensors if _block_of(tensor.name)]
    total = sum(tensor.parameters for tensor in tensors)
    matrices = sum(tensor.parameters for tensor in blocks if len(tensor.shape) == 2)
    return matrices / total if blocks else None


def _block_of(name: str) -> str | None:
    """The name up to its first number; within a stage of a UNet, up to its second."""
    parts = name.split(".")
    numbers = [place for place, part in enumerate(parts[:-1]) if part.isdigit() and place > 0]
    if not numbers:
        return None
    nested = parts[numbers[0] - 1] in NESTED and len(numbers) > 1
    return ".".join(parts[: numbers[1 if nested else 0] + 1])
