"""Working memory: what the device holds besides weights, by stage.

All of it is an estimate until it is measured; see `engine.memory.profiles`.
"""

from engine.memory.components import Component
from engine.models.families import FamilyFacts

NUMBER_BYTES = {"float16": 2, "bfloat16": 2, "float32": 4}

COPIES = 24
"""Tensors of (tokens, hidden size) alive at once within a block, with SDPA, which keeps no
attention matrix: the residual and its norm 2, query, key, value 3, attention's output 1, the MLP's
hidden state before and after its activation 4 + 4, and as many again for the second stream, a
GEGLU's double width or a UNet's concatenated skip."""

CUBLAS_WORKSPACE = 8_519_680
"""What cuBLAS takes for itself, bytes: `:4096:2:16:8`, its default in torch; Hopper takes more."""
CUDNN_WORKSPACE = 64_000_000 - CUBLAS_WORKSPACE
"""What cuDNN takes besides for convolutions, bytes (an estimate)."""
WORKSPACE = CUBLAS_WORKSPACE + CUDNN_WORKSPACE

TEXT_TOKENS = 512
"""The longest prompt that FLUX.1, Z-Image and Qwen-Image encode by default."""
CLIP_TOKENS = 77
"""A CLIP's context."""

IMAGE_CHANNELS = 3


def decode_bytes(
    family: FamilyFacts,
    width: int,
    height: int,
    number_bytes: int,
    *,
    tile_side: int = 0,
) -> int:
    """What the VAE takes to decode one picture.

    Height × width × bytes per number × the family's factor. In tiles it is that of one tile, and
    the picture three times: its decoded tiles, their rows, and the rows put together.

    Args:
        family: Whose decoder.
        width: Of a picture, pixels.
        height: Of a picture, pixels.
        number_bytes: 2 in half precision, 4 in float32.
        tile_side: Pixels a side of a tile; 0 for no tiles.
    """
    picture = width * height * IMAGE_CHANNELS * number_bytes
    if tile_side and max(width, height) > tile_side:
        tile = min(width, tile_side) * min(height, tile_side)
        return tile * number_bytes * family.decode_factor + 3 * picture + WORKSPACE
    return width * height * number_bytes * family.decode_factor + WORKSPACE


def encode_bytes(
    family: FamilyFacts, width: int, height: int, number_bytes: int, *, tile_side: int = 0
) -> int:
    """What the VAE takes to encode one picture: about half of decoding it."""
    return decode_bytes(family, width, height, number_bytes, tile_side=tile_side) // 2


def tokens(family: FamilyFacts, width: int, height: int) -> int:
    """Length of the denoiser's sequence: the picture's, and for a transformer also the prompt's.

    A UNet takes in the prompt by cross-attention, and its cells have 8 pixels a side.
    """
    cells = -(-width // family.tokens_side) * -(-height // family.tokens_side)
    return cells + (TEXT_TOKENS if family.denoiser == "transformer" else 0)


def step_bytes(
    family: FamilyFacts, width: int, height: int, batch: int, guided: bool, number_bytes: int
) -> int:
    """What the denoiser takes for one step of `batch` pictures.

    Linear in rows × tokens × hidden size; `guided` pictures have a row for each prompt where the
    family calls the denoiser for both at once.
    """
    rows = batch * (family.guidance_rows if guided else 1)
    copies = family.step_copies or COPIES
    workspace = WORKSPACE if family.denoiser == "unet" else CUBLAS_WORKSPACE
    numbers = rows * tokens(family, width, height) * family.hidden_size * copies
    return numbers * number_bytes + workspace


def prompt_bytes(encoder: Component, number_bytes: int) -> int:
    """What a text encoder takes to encode one prompt; a block has about 12 hidden² weights."""
    hidden = (encoder.largest_block / 12) ** 0.5
    length = CLIP_TOKENS if encoder.class_name.startswith("CLIP") else TEXT_TOKENS
    return int(length * hidden * COPIES * number_bytes) + CUBLAS_WORKSPACE
