"""How pictures are shown: by what was said of them, what the server wants, where, and to whom."""

from __future__ import annotations

from typing import Any

import pytest

from cogs.policy.nsfw import Exposure, exposure_of
from engine import SafetyVerdict
from engine.safety.verdict import UNCHECKED

SAFE = SafetyVerdict("nsfw", 0.1, flagged=False)
UNSAFE = SafetyVerdict("nsfw", 0.9, flagged=True)
RELEASED = SafetyVerdict("nsfw", 0.9, flagged=True, released=True)

OPEN, COVERED, WITHHELD = Exposure(), Exposure(spoilered=frozenset({1})), Exposure(withheld=True)


@pytest.mark.parametrize(
    ("policy", "restricted", "privileged", "exposure"),
    [
        ("spoiler", False, False, COVERED),
        ("spoiler", False, True, COVERED),
        ("withhold", False, False, WITHHELD),
        ("withhold", False, True, COVERED),
        ("off", False, False, OPEN),
        ("spoiler", True, False, OPEN),
        ("withhold", True, False, OPEN),
    ],
)
def test_an_unsafe_picture(
    policy: Any, restricted: bool, privileged: bool, exposure: Exposure
) -> None:
    judged = [SAFE, UNSAFE]
    assert exposure_of(judged, policy, restricted=restricted, privileged=privileged) == exposure


@pytest.mark.parametrize("verdicts", [[], [SAFE, SAFE], [SAFE, RELEASED]])
def test_nothing_is_hidden_that_nobody_objects_to(verdicts: list[SafetyVerdict]) -> None:
    assert exposure_of(verdicts, "withhold", restricted=False, privileged=False) == OPEN


def test_what_could_not_be_judged_is_covered_and_does_not_let_an_unsafe_one_through() -> None:
    exposure = exposure_of([SAFE, UNCHECKED], "withhold", restricted=False, privileged=False)
    assert exposure == COVERED
    exposure = exposure_of([UNSAFE, UNCHECKED], "withhold", restricted=False, privileged=False)
    assert exposure == WITHHELD
