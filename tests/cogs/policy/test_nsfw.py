"""How pictures are shown: by what was said of them, what the server wants, where, and to whom."""

from __future__ import annotations

from typing import Any

import pytest

from cogs.policy.nsfw import Showing, showing
from engine import Verdict
from engine.safety.verdict import UNJUDGED

SAFE = Verdict("nsfw", 0.1, flagged=False)
UNSAFE = Verdict("nsfw", 0.9, flagged=True)
RELEASED = Verdict("nsfw", 0.9, flagged=True, released=True)

OPEN, COVERED, WITHHELD = Showing(), Showing(covered=frozenset({1})), Showing(withheld=True)


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
def test_an_unsafe_picture(policy: Any, restricted: bool, alone: bool, seen_as: Showing) -> None:
    judged = [SAFE, UNSAFE]
    assert showing(judged, policy, restricted=restricted, alone=alone) == seen_as


@pytest.mark.parametrize("verdicts", [[], [SAFE, SAFE], [SAFE, RELEASED]])
def test_nothing_is_hidden_that_nobody_objects_to(verdicts: list[Verdict]) -> None:
    assert showing(verdicts, "withhold", restricted=False, alone=False) == OPEN


def test_what_could_not_be_judged_is_covered_and_does_not_let_an_unsafe_one_through() -> None:
    seen_as = showing([SAFE, UNJUDGED], "withhold", restricted=False, alone=False)
    assert seen_as == COVERED
    seen_as = showing([UNSAFE, UNJUDGED], "withhold", restricted=False, alone=False)
    assert seen_as == WITHHELD
