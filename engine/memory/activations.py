"""Working memory: what the device holds besides weights, by stage.

All of it is an estimate until it is measured; see `engine.memory.profiles`.
"""

from engine.memory.components import Component
from engine.memory.plan import Stage
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

CONTROL_PART = 4
"""One part in so many of a step's working memory is what a control network adds to it: SDXL's ten
tensors for the skips and the middle, 80 MB of the 400 of a row at 1024² (by their shapes)."""

REFERENCE_PIXELS = 1024 * 1024
"""Pixels to which a reference picture is scaled down: the limit of FLUX.2 klein, about what the
others scale it to."""


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


def size_at(
    stage: Stage, width: int, height: int, references: int, controlled: bool
) -> tuple[int, int]:
    """Size of the plain picture that takes as much at a stage as one with all this, pixels.

    Measurements are kept and found under it. It's (0, 0) where the picture doesn't matter. The
    tokens of reference pictures lengthen the denoiser's sequence as if the picture were higher.
    What a control network says is kept while the denoiser works.

    Args:
        stage: What is done.
        width: Of the picture, pixels.
        height: Of the picture, pixels.
        references: Reference pictures beside it.
        controlled: Whether it is painted along a map.
    """
    if stage is Stage.LOAD or (stage is Stage.ENCODE and not references):
        return 0, 0
    if stage is Stage.DECODE:
        return width, height
    height += -(-references * REFERENCE_PIXELS // width)
    return width, height + height // CONTROL_PART * controlled


def step_bytes(
    family: FamilyFacts,
    width: int,
    height: int,
    batch: int,
    guided: bool,
    number_bytes: int,
    *,
    controlled: bool = False,
) -> int:
    """What the denoiser takes for one step of `batch` pictures, of their `step_size`.

    Linear in rows × tokens × hidden size; `guided` pictures have a row for each prompt where the
    family calls the denoiser for both at once.
    """
    rows = batch * (family.guidance_rows if guided else 1)
    copies = (family.step_copies or COPIES) + family.control_copies * controlled
    workspace = WORKSPACE if family.denoiser == "unet" else CUBLAS_WORKSPACE
    numbers = rows * tokens(family, width, height) * family.hidden_size * copies
    return numbers * number_bytes + workspace


def prompt_bytes(encoder: Component, number_bytes: int, picture_tokens: int = 0) -> int:
    """What a text encoder takes to encode one prompt; a block has about 12 hidden² weights.

    A language model's head, whose weights and those of the embeddings are most of those outside of
    blocks, makes a number for each token and word that it knows.

    Args:
        encoder: Which.
        number_bytes: 2 in half precision, 4 in float32.
        picture_tokens: Those of pictures that it reads beside the words.
    """
    hidden = (encoder.largest_block / 12) ** 0.5
    length = CLIP_TOKENS if encoder.class_name.startswith("CLIP") else TEXT_TOKENS
    length += picture_tokens
    words = encoder.outside_blocks / (2 * hidden) if encoder.has_head else 0
    return int(length * (hidden * COPIES + words) * number_bytes) + CUBLAS_WORKSPACE
