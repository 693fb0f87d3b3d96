"""Tries random inputs for some minutes: `python -m tests.fuzz --minutes 5 [--only prompts]`."""

import argparse
import logging
import time
import traceback

from tests.fuzz.target import Tally, Target, run
from tests.fuzz.targets import TARGETS

ROUND = 200
"""Inputs between two looks at the clock."""


def main() -> int:
    """Print the inputs, the slowest and the failure of each target; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long, in all")
    parser.add_argument("--only", choices=[target.name for target in TARGETS])
    parser.add_argument("--seed", type=int, help="of the first round; another each time if omitted")
    options = parser.parse_args()
    logging.disable()
    chosen = [target for target in TARGETS if options.only in (None, target.name)]
    number = time.time_ns() if options.seed is None else options.seed
    failures = [_try(target, 60 * options.minutes / len(chosen), number) for target in chosen]
    return int(any(failures))


def _try(target: Target, seconds: float, number: int) -> bool:
    """Try a target for so long; whether it failed."""
    tally, end, failure = Tally(), time.monotonic() + seconds, ""
    while time.monotonic() < end and not failure:
        try:
            run(target, ROUND, tally, number)
        except Exception:
            failure = traceback.format_exc()
        number += 1
    print(
        f"{target.name:18} {tally.inputs:9,} inputs, slowest {1000 * tally.slowest:6.1f} ms: "
        f"{str(tally.slowest_input)[:60]!a}",
        flush=True,
    )
    if failure:
        print(f"FAILED in the round of --seed {number - 1}\n{failure}", flush=True)
    return bool(failure)


if __name__ == "__main__":
    raise SystemExit(main())
