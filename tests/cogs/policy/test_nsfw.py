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

OPEN, COVERED, WITHHELD = Exposure(), Exposure(covered=frozenset({1})), Exposure(withheld=True)


@pytest.mark.parametrize(
    ("policy", "restricted", "alone", "seen_as"),
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
def test_an_unsafe_picture(policy: Any, restricted: bool, alone: bool, seen_as: Exposure) -> None:
    judged = [SAFE, UNSAFE]
    assert exposure_of(judged, policy, restricted=restricted, alone=alone) == seen_as


@pytest.mark.parametrize("verdicts", [[], [SAFE, SAFE], [SAFE, RELEASED]])
def test_nothing_is_hidden_that_nobody_objects_to(verdicts: list[SafetyVerdict]) -> None:
    assert exposure_of(verdicts, "withhold", restricted=False, alone=False) == OPEN


def test_what_could_not_be_judged_is_covered_and_does_not_let_an_unsafe_one_through() -> None:
    seen_as = exposure_of([SAFE, UNCHECKED], "withhold", restricted=False, alone=False)
    assert seen_as == COVERED
    seen_as = exposure_of([UNSAFE, UNCHECKED], "withhold", restricted=False, alone=False)
    assert seen_as == WITHHELD
