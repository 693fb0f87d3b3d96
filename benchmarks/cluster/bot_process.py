"""A bot's process without Discord: the studio with its cluster, asked and answering in JSON lines.

    python -m benchmarks.cluster.bot_process FOLDER STEPS PORT

It is told `{"submit": [SEED, …]}`, `{"pause": NAME}`, `{"resume": NAME}` and answers with
`{"ready": true}`, `{"submitted": JOB, "seed": SEED}` once a job survives anything,
`{"painted": JOB}` at least once, `{"here": [NAME, …]}` and `{"done": …}`. What is painted counts as
posted then.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.cluster.models import engine, models
from engine import ClusterSettings, ImageRequest, JobState, Requester, Studio, open_studio
from engine.tasks import Tasks
from engine.workers import Doing

QUEUE_SIZE = 100_000
LOOK_SECONDS = 0.2


class Bot:
    """Does what it's told, and watches all jobs to their end."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._tasks = Tasks()
        self._here: list[str] = []

    async def run(self) -> None:
        """Work until standard input ends."""
        for job in await self._studio.undelivered():
            self._tasks.start(self._post(job.id), f"post job {job.id}")
        self._tasks.start(self._tell_who_is_here(), "tell who is here")
        say({"ready": True})
        while line := await asyncio.to_thread(sys.stdin.readline):
            self._tasks.start(self._obey(json.loads(line)), "obey")
        await self._tasks.cancel()

    async def _obey(self, command: dict[str, Any]) -> None:
        match command:
            case {"submit": seeds}:
                for seed in seeds:
                    await self._submit(seed)
            case {"pause": name}:
                await self._studio.workers.pause(name)
                say({"done": f"pause {name}"})
            case {"resume": name}:
                await self._studio.workers.resume(name)
                say({"done": f"resume {name}"})

    async def _submit(self, seed: int) -> None:
        request = ImageRequest(prompt="a red house", seed=seed)
        job = await self._studio.submit(request, Requester(owner=f"user {seed % 7}"))
        say({"submitted": job.id, "seed": seed})
        self._tasks.start(self._post(job.id), f"post job {job.id}")

    async def _post(self, job_id: int) -> None:
        async for event in self._studio.watch(job_id):
            if event.state in (JobState.PAINTED, JobState.FAILED):
                # Before it's recorded, so that whoever is killed in between says it again.
                say({event.state.value: job_id, "error": event.error})
                await self._studio.mark_delivered(job_id)

    async def _tell_who_is_here(self) -> None:
        while True:
            workers = await self._studio.workers.all()
            here = [w.name for w in workers if not w.local and w.doing is not Doing.AWAY]
            if here != self._here:
                self._here = here
                say({"here": here})
            await asyncio.sleep(LOOK_SECONDS)


def say(answer: dict[str, Any]) -> None:
    """One line."""
    print(json.dumps(answer), flush=True)


async def main(folder: Path, steps: int, port: int) -> None:
    """Be a bot until standard input ends."""
    async with open_studio(
        engine(),
        models(steps),
        folder,
        QUEUE_SIZE,
        cluster=ClusterSettings(listen=f"127.0.0.1:{port}"),
        isolated=True,
    ) as studio:
        await Bot(studio).run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
