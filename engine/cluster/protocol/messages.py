"""What the bot and a worker say to each other, each message with its schema.

None of it is code or a pickle. A field that a later version adds has a default, so that versions
that differ by one understand each other. A job has no owner, no message and no server: only what
painting needs.
"""

from typing import Annotated, Any, Literal

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

MOST_ROUNDS = 3
"""How often the parts of a job's pictures are sent."""

MAX_OFFERS, MAX_MEASURED, MAX_LEASES, MAX_FILES = 1000, 400, 256, 64


class Part(BaseModel):
    """What messages are made of; fields that this version doesn't know are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Message(Part):
    """A message; `epoch` says to which meeting of the bot and the worker it belongs."""

    epoch: Short = ""


class Card(Part):
    """A worker's device, as `DeviceFacts`."""

    kind: Short
    name: Short
    total_bytes: Count = 0
    free_bytes: Count = 0
    reserve_bytes: Count = 0
    bf16: bool = True
    float16: bool = True


class Offer(Part):
    """Something that a worker has: a model, or what it paints with besides.

    Attributes:
        kind: Of what kind, see `engine.cluster.identity`.
        name: By which name the worker's settings have it.
        hash: What identifies its files.
        most_pixels: Of the largest picture that a model paints there; `None` if it isn't known.
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


class Hello(Message):
    """From a worker that wants work: who it is. Answered by `Welcome` or `Unwelcome`.

    Attributes:
        run: Which run of the program, since two machines can't have one invitation.
        program: The version of the program, for people.
        batch_size: How many pictures it paints at the same time.
        card: Its device.
        offers: What it can paint with.
        measured: Its measurements.
    """

    type: Literal["hello"] = "hello"
    run: Short
    program: Short
    batch_size: Annotated[int, Field(ge=1, le=64)]
    card: Card
    offers: Annotated[list[Offer], Field(max_length=MAX_OFFERS)]
    measured: Annotated[list[Measured], Field(max_length=MAX_MEASURED)] = []


class Beat(Message):
    """From a worker every second. Answered by `Alive`, or by `Stranger` after a silence.

    Attributes:
        takes: For how many pictures in all it asks; 0 while it is paused.
        leases: The jobs that it has.
        pause: Why it is paused, in a word or two.
    """

    type: Literal["beat"] = "beat"
    takes: Annotated[int, Field(ge=0, le=64)]
    leases: Annotated[list[Count], Field(max_length=MAX_LEASES)]
    pause: Short = ""


class Progress(Message):
    """From a worker: as `JobProgress`."""

    type: Literal["progress"] = "progress"
    lease: Count
    step: Count
    total_steps: Annotated[int, Field(ge=1, le=2**53)]
    preview: Annotated[bytes, Field(max_length=PREVIEW_BYTES)] | None = None


class PicturePart(Message):
    """From a worker: a part of a finished picture's file, in order. Answered by `Taken`."""

    type: Literal["part"] = "part"
    lease: Count
    number: Annotated[int, Field(ge=0, le=63)]
    offset: Count
    data: Annotated[bytes, Field(max_length=PART_BYTES)]


class PictureFile(Part):
    """A finished picture: a PNG of that many bytes with that hash."""

    hash: Hash
    size: Count


class Painted(Message):
    """From a worker: the pictures of a job, whose parts have been sent. Answered by `Taken`."""

    type: Literal["painted"] = "painted"
    lease: Count
    pictures: Annotated[list[PictureFile], Field(min_length=1, max_length=64)]


class Failed(Message):
    """From a worker: as `JobFailed`, with a stored sentence. Answered by `Taken`."""

    type: Literal["failed"] = "failed"
    lease: Count
    sentence: Text


class Dropped(Message):
    """From a worker: as `JobDropped`. Answered by `Taken`."""

    type: Literal["dropped"] = "dropped"
    lease: Count


class Returned(Message):
    """From a worker: it can't paint these jobs now, which others can. Answered by `Taken`.

    Attributes:
        leases: Which jobs.
        reason: Why, in English, for the log.
        crashed: Whether its device's process died over them.
        blamed: Those that it was busy with then.
    """

    type: Literal["returned"] = "returned"
    leases: Annotated[list[Count], Field(max_length=MAX_LEASES)]
    reason: Text
    crashed: bool = False
    blamed: Annotated[list[Count], Field(max_length=MAX_LEASES)] = []


class NewMeasurement(Message):
    """From a worker: as `StageMeasured`."""

    type: Literal["measured"] = "measured"
    measured: Measured


class Overflowed(Message):
    """From a worker: as `ModelOverflowed`."""

    type: Literal["overflowed"] = "overflowed"
    model: Short
    device: Short
    stage: Short
    dtype: Short


class NeedFile(Message):
    """From a worker: it lacks a file of one of its jobs. Answered by `FileState`."""

    type: Literal["need"] = "need"
    hash: Hash


class HaveFile(Message):
    """From a worker: it has fetched a file, which needn't wait for it any longer."""

    type: Literal["have"] = "have"
    hash: Hash


class Bye(Message):
    """From either: it goes, in order. Jobs are given back."""

    type: Literal["bye"] = "bye"


class Welcome(Message):
    """To a worker: it's in; the epoch is the name of this meeting.

    Attributes:
        program: The version of the program, for people.
        notes: What the worker should know, such as which of its models can't be used, in English.
    """

    type: Literal["welcome"] = "welcome"
    program: Short
    notes: Annotated[list[Text], Field(max_length=100)] = []


class Unwelcome(Message):
    """To a worker: it isn't in, and why, in English."""

    type: Literal["unwelcome"] = "unwelcome"
    sentence: Text


class Alive(Message):
    """To a worker: the jobs that are its own. It drops others that it had when it asked."""

    type: Literal["alive"] = "alive"
    leases: Annotated[list[Count], Field(max_length=MAX_LEASES)]


class Stranger(Message):
    """To a worker: it isn't known (any more), and has to say hello."""

    type: Literal["stranger"] = "stranger"


class Taken(Message):
    """To a worker: its report has arrived, and need not be sent again.

    Attributes:
        again: Whether the parts of the pictures have to be sent again first.
    """

    type: Literal["taken"] = "taken"
    again: bool = False


class FileState(Message):
    """To a worker: whether a file lies in its bucket, is on its way there, or doesn't exist."""

    type: Literal["file"] = "file"
    state: Literal["ready", "coming", "gone"]


class FileRef(Part):
    """A file that a job needs: its role there, and the name that the recipe has for it."""

    role: Literal["image", "mask", "reference", "control", "lora"]
    hash: Hash
    size: Count
    name: Short


class Paint(Message):
    """To a worker, through the stream of jobs: as `RunJob`.

    Attributes:
        lease: The number of this attempt; reports name it.
        recipe: What to paint: the values that aren't the usual ones.
        model: What identifies the files of the recipe's model.
        alone: As in `RunJob`.
        files: Start image, mask, references, control map and LoRAs.
    """

    type: Literal["paint"] = "paint"
    lease: Count
    recipe: dict[str, Any]
    model: Hash
    alone: bool = False
    files: Annotated[list[FileRef], Field(max_length=MAX_FILES)] = []


class WorkOn(Message):
    """To a worker, through the stream of jobs: as `ProcessPicture`.

    Attributes:
        lease: As in `Paint`.
        recipe: As in `Paint`.
        kind: What the network does.
        network: Its name in the settings.
        hash: What identifies its files.
        file: The picture.
    """

    type: Literal["work"] = "work"
    lease: Count
    recipe: dict[str, Any]
    kind: Short
    network: Short
    hash: Hash
    file: FileRef


class LoadModel(Message):
    """To a worker: as `Preload`."""

    type: Literal["load"] = "load"
    model: Short


class Forget(Message):
    """To a worker: as `ForgetModel`."""

    type: Literal["forget"] = "forget"
    model: Short


class Cancel(Message):
    """To a worker: as `CancelJob`."""

    type: Literal["cancel"] = "cancel"
    lease: Count


FROM_WORKER: tuple[type[Message], ...] = (
    *(Hello, Beat, Progress, PicturePart, Painted, Failed, Dropped, Returned),
    *(NewMeasurement, Overflowed, NeedFile, HaveFile, Bye),
)
"""What the bot takes from a worker."""

TO_WORKER: tuple[type[Message], ...] = (
    *(Welcome, Unwelcome, Alive, Stranger, Taken, FileState),
    *(Paint, WorkOn, LoadModel, Forget, Cancel, Bye),
)
"""What a worker takes from the bot."""
