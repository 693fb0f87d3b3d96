"""Jobs as messages: what crosses is what is painted, and not who asked."""

import dataclasses

import msgpack
import pytest

from engine.cluster.protocol.encoding import encode
from engine.cluster.protocol.job_messages import paint_message, recipe_of, recipe_values
from engine.devices.messages import RunJob
from engine.jobs.control import Control, ControlKind
from engine.jobs.recipe import AdapterUse, DraftOf
from tests.engine.builders import job, model, recipe

FULL = recipe(
    negative_prompt="fog",
    image="a.png",
    mask="b.png",
    strength=0.5,
    adapters=(AdapterUse("fox", 0.5),),
    references=("c.png",),
    control=Control(image="d.png", kind=ControlKind.POSE, network="union"),
    tile=True,
    chaos=3,
    quick=True,
)


def test_a_recipe_crosses_the_wire_and_is_the_same() -> None:
    for one in (recipe(), FULL):
        values = msgpack.unpackb(msgpack.packb(recipe_values(one)))
        assert recipe_of(values) == one


def test_only_unusual_values_are_sent_and_nothing_that_is_not_painted() -> None:
    assert "mask" not in recipe_values(recipe())
    assert "draft_of" not in recipe_values(recipe(draft_of=DraftOf("flux")))


@pytest.mark.parametrize(
    "values", [{}, {"prompt": 3}, recipe_values(recipe()) | {"glow": 1}, {"process": "x"}]
)
def test_a_recipe_with_what_is_not_known_here_is_refused_rather_than_painted(
    values: dict[str, object],
) -> None:
    with pytest.raises(ValueError, match=r"."):
        recipe_of(values)


def test_a_job_says_nothing_of_who_asked_for_it() -> None:
    one = dataclasses.replace(
        job(77_123_456, owner="ada#1815"), scope="guild-99", message_ref={"token": "aW50"}
    )
    data = encode(
        paint_message(RunJob(one, model()), epoch="e", lease=1, digest="0" * 64, files=[])
    )
    for secret in (b"ada#1815", b"guild-99", b"aW50", msgpack.packb(77_123_456)):
        assert secret not in data
    assert b"a red house" in data
