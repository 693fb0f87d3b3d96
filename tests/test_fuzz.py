"""Whatever reads what strangers write copes with all of it. `python -m tests.fuzz` tries longer."""

import pytest

from tests.fuzz.target import Tally, Target, run
from tests.fuzz.targets import TARGETS

EXAMPLES = 40


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_random_inputs_are_handled_as_documented(target: Target) -> None:
    tally = Tally()
    run(target, EXAMPLES, tally)
    assert tally.inputs >= EXAMPLES // 2
