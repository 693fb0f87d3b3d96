"""What messages are made of, each part with its schema and its bounds."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Short = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(max_length=4000)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 of a file or of what identifies a model, in hexadecimal digits."""

Count = Annotated[int, Field(ge=0, le=2**53)]
Side = Annotated[int, Field(ge=1, le=2**16)]
Seconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]

PREVIEW_BYTES = 400_000
PART_BYTES = 512 * 1024
"""Bytes of a picture in one message."""

MAX_OFFERS, MAX_MEASURED, MAX_LEASES, MAX_FILES = 1000, 400, 256, 64
MAX_CARDS, MAX_LACKING = 16, 200

Number = Annotated[int, Field(ge=0, lt=MAX_CARDS)]
"""Which of a worker's cards, in the order in which its hello names them. Only version 1 has no
others than the first."""


class Part(BaseModel):
    """What messages are made of; fields that this version doesn't know are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Card(Part):
    """A worker's device, as `DeviceFacts`."""

    kind: Short
    name: Short
    total_bytes: Count = 0
    free_bytes: Count = 0
    reserve_bytes: Count = 0
    bf16: bool = True
    float16: bool = True


class FurtherCard(Part):
    """A worker's card beside its first one.

    Attributes:
        card: The device.
        batch_size: How many pictures it paints at the same time.
        most_pixels: Of the largest picture that each model paints there, as far as it's known.
    """

    card: Card
    batch_size: Annotated[int, Field(ge=1, le=64)]
    most_pixels: Annotated[dict[Short, Count], Field(max_length=MAX_OFFERS)] = {}


class CardMemory(Part):
    """How much of a card's memory is taken, whoever uses it."""

    used_bytes: Count
    total_bytes: Count


class CardBatch(Part):
    """How many pictures a card paints side by side with a model, as `BatchPlanned`."""

    model: Short
    pictures: Annotated[int, Field(ge=1, le=64)]


class Offer(Part):
    """Something that a worker has: a model, or what it paints with besides.

    Attributes:
        kind: Of what kind, see `engine.cluster.identity`.
        name: By which name the worker's settings have it.
        hash: What identifies its files.
        most_pixels: Of the largest picture that a model paints on the first card; 0 if it doesn't
            fit there at all, `None` if it isn't known.
    """

    kind: Short
    name: Short
    hash: Hash
    most_pixels: Count | None = None


class Measured(Part):
    """A measurement of the worker's, as `Measurement`."""

    model: Short
    device: Short
    plan_key: Short
    stage: Short
    dtype: Short
    tile_side: Count
    width: Count
    height: Count
    batch: Annotated[int, Field(ge=1, le=1000)]
    weight_bytes: Count
    peak_bytes: Count | None
    usable_bytes: Count
    seconds: Seconds
    failed: bool


class PictureFile(Part):
    """A finished picture: a PNG of that many bytes with that hash."""

    hash: Hash
    size: Count


class LackingModel(Part):
    """A model of the bot's that a worker lacks, as `ModelSettings`.

    Attributes:
        name: What people call it.
        source: On the Hub or Civitai; empty if it's made from files of the bot's machine.
        revision: As in the settings.
        variant: As in the settings.
        denoiser: As in the settings.
    """

    name: Short
    source: Text = ""
    revision: Text | None = None
    variant: Text | None = None
    denoiser: Text | None = None


State = Literal["ready", "coming", "gone"]
Role = Literal["image", "mask", "reference", "control", "lora"]


class FileRef(Part):
    """A file that a job needs: its role there, and the name that the recipe has for it."""

    role: Role
    hash: Hash
    size: Count
    name: Short
