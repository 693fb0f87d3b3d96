"""Kills the bot, its workers and its NATS server at random while jobs come in.

    python -m benchmarks.chaos [--kills 200] [--seed 1]

All are processes, real but for the painting, and all are killed with SIGKILL; each is started again
at once, the server by the bot. Then what came of the jobs is compared with an undisturbed run:
which are lost, which were painted twice, and whose pixels differ.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cluster.ledger import Entry, ledger
from benchmarks.cluster.place import Place

WORKERS, STEPS, STEP_SECONDS = 4, 5, 0.06
MOST_OPEN, SUBMIT_SECONDS = 40, 0.04
PAUSE = (0.1, 2.0)
"""Seconds between two kills, besides those until there is something to disturb."""

SETTLED = 0.8
"""How many kills wait until the bot and two workers are up; the others hit what is starting."""

VICTIMS = ("bot", "server", "worker", "worker")
PATIENCE = 180.0
"""Seconds until everything has to be painted once nobody is killed any more."""

RECORD_SECONDS = 2.0
"""From when the bot says that the last job is painted until that it's posted is in its database."""


@dataclass
class Outcome:
    """What came of a run.

    Attributes:
        jobs: All of them, by number.
        promised: The seeds of the jobs that the bot has said it took, by number.
        kills: How often each was killed.
        painted: How many pictures were painted while there were kills.
        seconds: What the run took.
    """

    jobs: Mapping[int, Entry]
    promised: Mapping[int, int]
    kills: dict[str, int] = field(default_factory=dict)
    painted: int = 0
    seconds: float = 0.0

    @property
    def lost(self) -> list[int]:
        """Jobs that were promised and aren't there, or weren't posted."""
        gone = [number for number in self.promised if number not in self.jobs]
        return gone + [n for n, job in self.jobs.items() if job.state != "posted"]

    @property
    def doubled(self) -> list[int]:
        """Jobs that became painted more than once."""
        return [number for number, job in self.jobs.items() if job.painted > 1]

    def changed(self, undisturbed: "Outcome") -> list[int]:
        """Jobs with other pixels than the same seed had there."""
        right = {job.seed: job.pixels for job in undisturbed.jobs.values()}
        return [n for n, job in self.jobs.items() if job.pixels != right[job.seed]]


class Chaos:
    """A place where processes are killed and started again."""

    def __init__(self, place: Place, chance: random.Random) -> None:
        self._place = place
        self._chance = chance
        self._told: set[int] = set()
        self.kills: dict[str, int] = {"bot": 0, "server": 0, "worker": 0}
        self.stopping = False

    async def revive(self, name: str) -> None:
        """Start one whenever it has ended, until cancelled."""
        while True:
            if name == "bot":
                self._told &= set(self._place.submitted.values())
                process = await self._place.start_bot(wait=False)
            else:
                process = await self._place.start_worker(name)
            await process.wait()

    async def submit(self) -> None:
        """Ask for one picture after the other; again for those that the bot hasn't promised."""
        seed = 0
        while not self.stopping:
            promised = set(self._place.submitted.values())
            open_jobs = len(self._place.submitted) - len(set(self._place.painted))
            if self._place.ready and open_jobs < MOST_OPEN:
                missing = next((s for s in range(seed) if s not in promised | self._told), seed)
                seed = max(seed, missing + 1)
                self._told.add(missing)
                self._place.tell({"submit": [missing]})
            await asyncio.sleep(SUBMIT_SECONDS)

    async def kill(self, kills: int) -> None:
        """Kill somebody now and then."""
        for _ in range(kills):
            if self._chance.random() < SETTLED:
                await self._place.until(lambda: self._place.ready and len(self._place.here) > 1)
            await asyncio.sleep(self._chance.uniform(*PAUSE))
            victim = self._chance.choice(VICTIMS)
            self.kills[victim] += 1
            name = self._chance.choice(self._place.names) if victim == "worker" else victim
            self._place.strike(name)


async def disturbed(kills: int, seed: int, folder: Path) -> Outcome:
    """A run with so many kills."""
    begun = time.perf_counter()
    async with Place(folder, WORKERS, STEPS, STEP_SECONDS) as place:
        chaos = Chaos(place, random.Random(seed))
        tasks = [asyncio.create_task(chaos.revive(name)) for name in ("bot", *place.names)]
        try:
            await place.until(lambda: place.here == set(place.names))
            submitting = asyncio.create_task(chaos.submit())
            await chaos.kill(kills)
            chaos.stopping = True
            painted = len(set(place.painted))
            await submitting
            await place.until(lambda: place.ready)
            await place.until(lambda: set(place.submitted) <= set(place.painted), PATIENCE)
            await asyncio.sleep(RECORD_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        promised = dict(place.submitted)
    seconds = time.perf_counter() - begun
    return Outcome(await ledger(folder / "bot"), promised, chaos.kills, painted, seconds)


async def undisturbed(seeds: int, folder: Path) -> Outcome:
    """A run without kills, with pictures of these seeds."""
    async with Place(folder, WORKERS, STEPS, STEP_SECONDS) as place:
        await place.start_bot()
        for name in place.names:
            await place.start_worker(name)
        place.tell({"submit": list(range(seeds))})
        await place.until(lambda: len(place.painted) == seeds, PATIENCE + seeds)
        await asyncio.sleep(RECORD_SECONDS)
        promised = dict(place.submitted)
    return Outcome(await ledger(folder / "bot"), promised)


async def compared(kills: int, seed: int, folder: Path) -> tuple[Outcome, Outcome]:
    """A run with kills, and one without that paints the same."""
    after = await disturbed(kills, seed, folder / "disturbed")
    seeds = 1 + max(job.seed for job in after.jobs.values())
    return after, await undisturbed(seeds, folder / "undisturbed")


def main(
    kills: Annotated[int, typer.Option(min=1, help="How many there are.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the choice of whom and when.")] = 1,
    keep: Annotated[Path | None, typer.Option(help="Keep logs and data in this folder.")] = None,
) -> None:
    """Print who was killed and what came of the jobs; exit with 1 if any is lost or wrong."""
    with tempfile.TemporaryDirectory() as temporary:
        after, before = asyncio.run(compared(kills, seed, keep or Path(temporary)))
    killed = ", ".join(f"{name} {number}" for name, number in after.kills.items())
    changed = after.changed(before)
    typer.echo(f"{kills} kills in {after.seconds:.0f} s: {killed}")
    typer.echo(
        f"{len(after.jobs)} jobs, {after.painted} of them painted meanwhile: "
        f"{len(after.lost)} lost, {len(after.doubled)} doubled, "
        f"{len(changed)} with other pixels than without kills"
    )
    if wrong := [*after.lost, *after.doubled, *changed]:
        typer.echo(f"See the jobs {sorted(set(wrong))}")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
