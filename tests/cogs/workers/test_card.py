"""What is said of workers, and how many fit on a page."""

import time

import pytest

from cogs.workers.card import PER_PAGE, WorkersCard
from cogs.workers.lines import worker_lines
from engine import Worker, WorkerDoing
from engine.memory.device import DeviceMemory
from tests.discord_server.messages import walk


def worker(**changes: object) -> Worker:
    values = {
        "name": "attic",
        "local": False,
        "doing": WorkerDoing.IDLE,
        "card": "RTX 4090",
        "pictures_last_day": 120,
        "seen_at": time.time(),
        "batch_size": 4,
    }
    return Worker(**values | changes)  # type: ignore[arg-type]


def text(**changes: object) -> str:
    return "\n".join(worker_lines(worker(**changes)))


def test_load_and_speed_are_told() -> None:
    assert text(
        doing=WorkerDoing.PAINTING,
        model="sdxl",
        jobs=2,
        pictures=3,
        step_seconds=0.4217,
        step_size=(1024, 768),
        program="1.2",
    ).splitlines() == [
        "🎨 **attic** · RTX 4090",
        "painting · 2 jobs, 3 pictures of 4 side by side · sdxl",
        "-# 0.422 s a step at 1024 × 768 · 120 pictures in the last day · Atelier 1.2",
    ]


def test_memory_and_what_it_lacks_are_told() -> None:
    memory = tuple(DeviceMemory(f"attic/cuda:{n}", n * 10**9, 24 * 10**9) for n in (3, 4))
    lacking = tuple(f"model-{number}" for number in range(7))
    *_, figures, lacks = text(memory=memory, lacking=lacking).splitlines()
    assert "7.0 GB of 48.0 GB of memory taken" in figures
    assert lacks.startswith("-# lacks model-0, model-1")
    assert "…" in lacks
    assert "model-2" not in lacks


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pause": "paused"}, "paused by its own owner"),
        ({"pause": "steam"}, "paused while steam runs on its machine"),
        ({"pause": "busy card"}, "paused while its card is busy with something else"),
        ({"pause": "disk full"}, "paused because its disk is full"),
        ({"paused_here": True}, "paused by you"),
        ({"paused_here": True, "pause": "steam"}, "paused by you · paused while steam runs"),
        ({"local": True, "pause": "No such card."}, "can't be used: No such card."),
    ],
)
def test_why_it_is_paused_is_told(changes: dict[str, object], words: str) -> None:
    assert words in text(doing=WorkerDoing.PAUSED, **changes)


def test_since_when_it_is_away_is_told() -> None:
    assert "away, last here <t:1000:R>" in text(doing=WorkerDoing.AWAY, seen_at=1000.4)


def test_only_what_this_machine_can_end_is_resumed_here() -> None:
    there = worker(doing=WorkerDoing.PAUSED, pause="steam")
    here = worker(doing=WorkerDoing.PAUSED, paused_here=True)
    broken = worker(doing=WorkerDoing.PAUSED, local=True, pause="No such card.")
    entries = WorkersCard.of([there, here, broken], 0).entries
    assert [resumable for _, _, resumable in entries] == [False, True, True]


@pytest.mark.parametrize("number", [1, 8, 9, 200])
def test_every_page_is_one_that_discord_shows(number: int) -> None:
    long: dict[str, object] = {
        "card": "*" * 200,
        "pause": "_" * 200,
        "model": "m" * 50,
        "program": "1" * 200,
    }
    long["lacking"] = ("*" * 50,) * 9
    long["memory"] = (DeviceMemory("a", 1, 10**12),) * 8
    workers = [
        worker(name=f"worker-{n}", doing=WorkerDoing.PAUSED, paused_here=True, jobs=3, **long)
        for n in range(number)
    ]
    seen = set()
    for page in range(-(-number // PER_PAGE)):
        card = WorkersCard.of(workers, page)
        parts = list(walk(card.view(0.0).to_components()))  # type: ignore[no-untyped-call]
        assert len(parts) <= 40
        assert sum(len(part.get("content", "")) for part in parts) <= 4000
        ids = [part["custom_id"] for part in parts if "custom_id" in part]
        assert len(ids) == len(set(ids))
        seen |= {name for name, _, _ in card.entries}
    assert len(seen) == number
    assert WorkersCard.of(workers, 9999).page == card.page
