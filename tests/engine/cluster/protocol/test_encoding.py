"""Messages as bytes: what goes in comes out, and nothing that comes in does harm."""

import typing
from typing import Any

import msgpack
import pytest

from engine.cluster.protocol import encoding
from engine.cluster.protocol.encoding import (
    MAX_PAYLOAD,
    BadMessage,
    Refusals,
    encode,
    from_worker,
    other_version,
    to_worker,
)
from engine.cluster.protocol.messages import (
    FROM_WORKER,
    TO_WORKER,
    Alive,
    Beat,
    Dropped,
    Failed,
    Hello,
    Message,
    Paint,
    PicturePart,
    Welcome,
)
from engine.cluster.protocol.parts import PART_BYTES, Card
from engine.cluster.worker.bot_link import BotLink, OtherVersion

HELLO = Hello(
    run="1", program="0.1", batch_size=4, card=Card(kind="cuda", name="a card"), offers=[]
)


@pytest.mark.parametrize("kind", [*FROM_WORKER, *TO_WORKER])
def test_every_message_has_a_type_of_its_own_and_comes_back_as_it_was(kind: type[Message]) -> None:
    message = kind.model_validate(example(kind))
    side = from_worker if kind in FROM_WORKER else to_worker
    assert side(encode(message)) == message


def test_types_are_told_apart() -> None:
    for side in (FROM_WORKER, TO_WORKER):
        types = [kind.model_fields["type"].default for kind in side]
        assert len(set(types)) == len(types)


def test_what_one_side_says_the_other_does_not() -> None:
    with pytest.raises(BadMessage, match="unknown"):
        from_worker(encode(Alive(leases=[])))
    with pytest.raises(BadMessage, match="unknown"):
        to_worker(encode(Beat(takes=1, leases=[])))


def test_what_is_nested_too_deeply_or_too_large_is_refused() -> None:
    deep = b"\x81\xa1v" + b"\x91" * 100_000 + b"\x01"
    with pytest.raises(BadMessage, match="malformed"):
        from_worker(deep)
    with pytest.raises(BadMessage, match="oversized"):
        from_worker(bytes(MAX_PAYLOAD + 1))
    with pytest.raises(BadMessage, match="malformed"):
        from_worker(encode(PicturePart(lease=1, number=0, offset=0, data=b"")) + b"\x00")


def test_a_full_part_of_a_picture_fits_into_a_message() -> None:
    data = encode(
        PicturePart(epoch="e" * 200, lease=2**53, number=63, offset=2**53, data=bytes(PART_BYTES))
    )
    assert len(data) < MAX_PAYLOAD


def test_a_later_version_may_add_fields_and_an_earlier_one_may_lack_them() -> None:
    newer = msgpack.packb(
        {"v": encoding.VERSION + 1, "type": "beat", "takes": 2, "leases": [1], "mood": "fine"}
    )
    assert from_worker(newer) == Beat(takes=2, leases=[1])
    older = msgpack.packb({"v": encoding.VERSION - 1, "type": "beat", "takes": 2, "leases": [1]})
    assert from_worker(older) == Beat(takes=2, leases=[1], pause="")


def test_versions_that_differ_by_more_are_refused_with_a_sentence_for_each_side() -> None:
    with pytest.raises(BadMessage) as refused:
        from_worker(encode(HELLO, version=encoding.VERSION + 2))
    assert refused.value.version == encoding.VERSION + 2
    assert "Update this one" in other_version(encoding.VERSION + 2)
    with pytest.raises(BadMessage):
        to_worker(encode(Welcome(program="0.1"), version=encoding.VERSION), encoding.VERSION + 2)
    assert "Update the other side" in other_version(encoding.VERSION, encoding.VERSION + 2)


def test_a_worker_notices_that_its_bot_is_of_another_time() -> None:
    link = BotLink("attic", version=encoding.VERSION + 2)
    with pytest.raises(OtherVersion):
        link.read(encode(Alive(leases=[])))
    assert BotLink("attic").read(b"\x00") is None


def test_refusals_are_counted_and_logged_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    refusals = Refusals(lambda: now)
    for _ in range(1000):
        refusals.count("attic", "late")
    assert refusals.total("late") == 1000
    assert len(caplog.records) == 1
    now = encoding.LOG_INTERVAL
    refusals.count("attic", "late")
    assert "1001 so far" in caplog.records[-1].getMessage()


def test_texts_have_bounds() -> None:
    with pytest.raises(ValueError, match="4000"):
        Failed(lease=1, sentence="x" * 4001)
    with pytest.raises(ValueError, match="pattern"):
        Paint(lease=1, recipe={}, model="../../etc/passwd")


def example(kind: type[Message]) -> dict[str, Any]:
    """Values for the fields that a message needs."""
    digest = "0" * 64
    values: dict[str, Any] = {
        "lease": 1,
        "leases": [1, 2],
        "step": 1,
        "total_steps": 4,
        "number": 0,
        "offset": 0,
        "data": b"x",
        "sentence": "Sad.",
        "reason": "Sad.",
        "hash": digest,
        "takes": 4,
        "model": "sketch",
        "device": "cpu",
        "stage": "step",
        "dtype": "float32",
        "program": "0.1",
        "run": "1",
        "batch_size": 4,
        "offers": [],
        "state": "ready",
        "recipe": {"prompt": "a house"},
        "kind": "upscale",
        "network": "esrgan",
        "card": {"kind": "cpu", "name": "cpu"},
        "pictures": [{"hash": digest, "size": 1}],
        "file": {"role": "image", "hash": digest, "size": 1, "name": "a.png"},
        "measured": {
            "model": "a",
            "device": "b",
            "plan_key": "c",
            "stage": "step",
            "dtype": "d",
            "tile_side": 0,
            "width": 1,
            "height": 1,
            "batch": 1,
            "weight_bytes": 0,
            "peak_bytes": None,
            "usable_bytes": 0,
            "seconds": 1.0,
            "failed": False,
        },
    }
    if kind is Paint:
        values["model"] = digest
    needed = [name for name, field in kind.model_fields.items() if field.is_required()]
    return {name: values[name] for name in needed}


async def test_a_worker_waits_longer_for_each_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    class SlowLine:
        async def request(self, subject: str, data: bytes, timeout: float) -> None:
            waited.append(timeout)
            raise TimeoutError

    monkeypatch.setattr("engine.cluster.worker.bot_link.AGAIN_SECONDS", 0.0)
    link = BotLink("attic")
    link.client = typing.cast(Any, SlowLine())
    assert await link.insist(Dropped(lease=1), lambda: len(waited) < 4) is None
    assert waited == [3.0, 6.0, 12.0, 12.0]
