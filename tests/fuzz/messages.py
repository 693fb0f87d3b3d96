"""What comes over the network: messages of workers and of the bot, pictures, and invitations."""

import json
from contextlib import suppress

import msgpack
from hypothesis import strategies as st

from engine.cluster.bot.told_sentences import MOST_CHARACTERS, readable
from engine.cluster.errors import BadInvitation
from engine.cluster.protocol import encoding
from engine.cluster.protocol.job_messages import recipe_of
from engine.cluster.protocol.messages import Beat, Hello, Message, Paint
from engine.cluster.protocol.parts import Card, PictureFile
from engine.cluster.protocol.pictures import Assembly, WrongPicture, file_of, packed
from engine.cluster.server.invitation import Invitation
from engine.devices.messages import Pixels
from tests.fuzz.files import JSON, damaged
from tests.fuzz.target import Target

WHOLE = [
    encoding.encode(message)
    for message in (
        Hello(run="1", program="0", batch_size=4, card=Card(kind="cpu", name="c"), offers=[]),
        Beat(takes=1, leases=[1, 2]),
        Paint(lease=1, recipe={"prompt": "a house", "seed": 1}, model="0" * 64),
    )
]

FIELDS = st.sampled_from(["epoch", "lease", "leases", "recipe", "takes", "files", "model", "x"])


def _packed(kind: object, version: object, values: dict[str, object]) -> bytes:
    try:
        data: bytes = msgpack.packb({**values, "v": version, "type": kind})
    except (OverflowError, ValueError):  # an integer that msgpack doesn't have
        return b""
    return data


MAPS = st.builds(
    _packed,
    st.sampled_from(["beat", "paint", "painted", "hello", "need", "alive", "welcome"]) | JSON,
    st.integers(encoding.VERSION - 3, encoding.VERSION + 3) | JSON,
    st.dictionaries(FIELDS, JSON | st.binary(max_size=20), max_size=5),
)

MESSAGES = st.binary(max_size=300) | damaged(st.sampled_from(WHOLE)) | MAPS

PICTURE = packed(Pixels(8, 8, bytes(range(192))))

LINES = st.text(max_size=120) | st.builds(
    "nats://{}@{}/{}#{}".format,
    *(st.text("SUA7@:/[].", max_size=60), st.text("a.1:[]", max_size=12)),
    *(st.text("attic-/", max_size=8), st.text(max_size=10)),
)


TEMPLATES = st.text("{}a:.!<>19dfcs%", max_size=20) | st.sampled_from(
    ["{a}", "{a} {b}", "{number}"]
)

SENTENCES = st.builds(
    lambda one, many, values: json.dumps({"one": one, "many": many, "values": values}),
    TEMPLATES,
    st.none() | TEMPLATES,
    st.dictionaries(st.sampled_from(["a", "b", "number"]), JSON | st.integers(), max_size=3),
)


def check_sentence(text: str) -> None:
    """It's a text for people, and not a long one."""
    assert 0 < len(readable(text)) <= MOST_CHARACTERS


def check_message(data: bytes) -> None:
    """It's a message, or `BadMessage`; the recipe in it is one, or `ValueError`."""
    for read in (encoding.from_worker, encoding.to_worker):
        with suppress(encoding.BadMessage):
            message = read(data)
            assert isinstance(message, Message)
            if isinstance(message, Paint):
                with suppress(ValueError):
                    recipe_of(message.recipe)


def check_picture(data: bytes) -> None:
    """It's a picture of the size that was asked for, or `WrongPicture`."""
    assembly = Assembly(1, (8, 8))
    with suppress(WrongPicture):
        assembly.add(0, 0, data)
        [pixels] = assembly.pixels([PictureFile(**file_of(data).model_dump())])
        assert (pixels.width, pixels.height) == (8, 8)


def check_invitation(line: str) -> None:
    """It's an invitation, or `BadInvitation`."""
    with suppress(BadInvitation):
        assert Invitation.read(Invitation.read(line).line)


TARGETS = (
    Target("messages between machines", MESSAGES, check_message),
    Target("pictures of workers", damaged(st.just(PICTURE)), check_picture),
    Target("sentences of workers", SENTENCES | st.text(max_size=60), check_sentence),
    Target("invitations", LINES, check_invitation),
)
