"""How far an outside trainer is, by the lines that it prints.

A line that is a JSON object tells it: `{"step": 10, "total": 800, "loss": 0.12}`. Only the step has
to be there. The progress bars of kohya's scripts are read, too.
"""

import json
import math
import re
from typing import Any, NamedTuple

MAX_LINE = 10_000
"""Characters that are looked at."""

BAR = re.compile(r"steps:.*?\|\s*(?P<step>\d+)/(?P<total>\d+)\s*\[.*?loss=(?P<loss>[\d.e+-]+)")
"""tqdm's bar in kohya's scripts."""


class Progress(NamedTuple):
    """How far it is: steps done, of how many (0 if it didn't say), and the loss (NaN likewise)."""

    step: int
    total: int = 0
    loss: float = math.nan

    def of(self, steps: int) -> int:
        """The step of `steps`, where the trainer counts otherwise."""
        step = self.step * steps // self.total if self.total else self.step
        return max(0, min(step, steps))


def progress_in(line: str) -> Progress | None:
    """What a line says; `None` if it's about something else."""
    text = line.strip()[:MAX_LINE]
    try:
        if text.startswith("{"):
            return _progress(json.loads(text))
        if (match := BAR.search(text)) is not None:
            return _progress(
                {"step": int(match["step"]), "total": int(match["total"]), "loss": match["loss"]}
            )
    except (ValueError, RecursionError):
        pass
    return None


def _progress(value: Any) -> Progress | None:
    match value:
        case {"step": int(step)} if step >= 0 and not isinstance(step, bool):
            total = value.get("total")
            return Progress(
                step, total if isinstance(total, int) and total > 0 else 0, _loss(value.get("loss"))
            )
    return None


def _loss(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
