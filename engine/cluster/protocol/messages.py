"""What the bot and a worker say to each other, each message with its schema.

None of it is code or a pickle. A field that a later version adds has a default, so that versions
that differ by one understand each other. A job has no owner, no message and no server: only what
painting needs.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from engine.cluster.protocol.parts import (
    MAX_CARDS,
    MAX_FILES,
    MAX_LACKING,
    MAX_LEASES,
    MAX_MEASURED,
    MAX_OFFERS,
    PART_BYTES,
    PREVIEW_BYTES,
    Card,
    CardBatch,
    CardMemory,
    Count,
    FileRef,
    FurtherCard,
    Hash,
    LackingModel,
    Measured,
    Number,
    Offer,
    Part,
    PictureFile,
    Short,
    State,
    Text,
)

MOST_ROUNDS = 3
"""How often the parts of a job's pictures are sent."""


class Message(Part):
    """A message; `epoch` says to which meeting of the bot and the worker it belongs."""

    epoch: Short = ""


class Hello(Message):
    """From a worker that wants work: who it is. Answered by `Welcome` or `Unwelcome`.

    Attributes:
        run: Which run of the program, since two machines can't have one invitation.
        program: The version of the program, for people.
        batch_size: How many pictures it paints at the same time on its first card.
        card: Its first device.
        further: Its others, since version 2.
        offers: What it can paint with.
        measured: Its measurements, on all of them.
    """

    type: Literal["hello"] = "hello"
    run: Short
    program: Short
    batch_size: Annotated[int, Field(ge=1, le=64)]
    card: Card
    offers: Annotated[list[Offer], Field(max_length=MAX_OFFERS)]
    measured: list[Measured] = Field(default=[], max_length=MAX_MEASURED)
    further: list[FurtherCard] = Field(default=[], max_length=MAX_CARDS - 1)


class Beat(Message):
    """From a worker every second. Answered by `Alive`, or by `Stranger` after a silence.

    Attributes:
        takes: For how many pictures in all it asks; 0 while it is paused.
        leases: The jobs that it has.
        pause: Why it is paused, in a word or two.
        memory: Of each card, as far as it can tell.
        batches: How many pictures each paints side by side, if it has said so.
    """

    type: Literal["beat"] = "beat"
    takes: Annotated[int, Field(ge=0, le=64)]
    leases: Annotated[list[Count], Field(max_length=MAX_LEASES)]
    pause: Short = ""
    memory: list[CardMemory | None] = Field(default=[], max_length=MAX_CARDS)
    batches: list[CardBatch | None] = Field(default=[], max_length=MAX_CARDS)


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
    blamed: list[Count] = Field(default=[], max_length=MAX_LEASES)


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
        lacking: The bot's models that the worker lacks.
    """

    type: Literal["welcome"] = "welcome"
    program: Short
    notes: list[Text] = Field(default=[], max_length=100)
    lacking: list[LackingModel] = Field(default=[], max_length=MAX_LACKING)


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
    state: State


class Paint(Message):
    """To a worker, through the stream of jobs: as `RunJob`.

    Attributes:
        lease: The number of this attempt; reports name it.
        recipe: What to paint: the values that aren't the usual ones.
        model: What identifies the files of the recipe's model.
        alone: As in `RunJob`.
        files: Start image, mask, references, control map and LoRAs.
        number: On which card.
    """

    type: Literal["paint"] = "paint"
    lease: Count
    recipe: dict[str, Any]
    model: Hash
    alone: bool = False
    files: list[FileRef] = Field(default=[], max_length=MAX_FILES)
    number: Number = 0


class WorkOn(Message):
    """To a worker, through the stream of jobs: as `ProcessPicture`.

    Attributes:
        lease: As in `Paint`.
        recipe: As in `Paint`.
        kind: What the network does.
        network: Its name in the settings.
        hash: What identifies its files.
        file: The picture.
        number: On which card.
    """

    type: Literal["work"] = "work"
    lease: Count
    recipe: dict[str, Any]
    kind: Short
    network: Short
    hash: Hash
    file: FileRef
    number: Number = 0


class LoadModel(Message):
    """To a worker: as `Preload`."""

    type: Literal["load"] = "load"
    model: Short
    number: Number = 0


class Forget(Message):
    """To a worker: as `ForgetModel`."""

    type: Literal["forget"] = "forget"
    model: Short
    number: Number = 0


class Cancel(Message):
    """To a worker: as `CancelJob`."""

    type: Literal["cancel"] = "cancel"
    lease: Count
    number: Number = 0


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
