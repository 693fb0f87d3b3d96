"""What the safety checker has to say of samples before members see them."""

import asyncio
from contextlib import aclosing
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from engine.safety.checker import SafetyChecker
from engine.safety.verdict import SafetyVerdict
from tests.engine.training.members import Open, begun, eventually, process
from tests.engine.training.runner import Runner

SAFE = SafetyVerdict("", 0.1, flagged=False)


UNSAFE = SafetyVerdict("nsfw", 0.9, flagged=True)


@pytest.fixture
def red_is_unsafe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the safety checker say so."""

    async def worst(self: SafetyChecker, files: list[Path]) -> SafetyVerdict:
        there = [Image.open(file).convert("RGB") for file in files if file.exists()]
        return UNSAFE if any(each.tobytes()[0] > 128 for each in there) else SAFE

    monkeypatch.setattr(SafetyChecker, "worst", worst)


@pytest.mark.usefixtures("red_is_unsafe")
async def test_samples_are_looked_at_before_they_are_shown(
    open_here: Open, runners: list[Runner]
) -> None:
    async with open_here() as studio:
        training = await begun(studio)
        runner = await process(runners, 1)
        seen: list[SafetyVerdict | None] = []

        async def watch() -> None:
            async for event in studio.trainings.watch(training.id):
                if event.samples is not None and event.verdict not in seen[-1:]:
                    seen.append(event.verdict)

        def said(verdict: SafetyVerdict) -> bool:
            return seen[-1:] == [verdict]

        watching = asyncio.create_task(watch())
        for colour, verdict in (("blue", SAFE), ("red", UNSAFE), ("green", UNSAFE)):
            runner.train()
            runner.sample(colour)
            await eventually(partial(said, verdict))
        assert seen == [SAFE, UNSAFE], "what was unsafe stays on the sheet"
    await watching
    async with open_here() as studio, aclosing(studio.trainings.watch(training.id)) as events:
        assert (await anext(events)).verdict == UNSAFE


@pytest.mark.usefixtures("red_is_unsafe")
async def test_samples_that_nobody_looked_at_before_the_end_are_looked_at_later(
    open_here: Open, runners: list[Runner]
) -> None:
    async with open_here() as studio:
        await begun(studio)
        runner = await process(runners, 1)
        Image.new("RGB", (64, 64), "red").save(buffer := BytesIO(), "PNG")
        for step in (0, 9):  # the later one is painted again
            runner.folder.write(runner.folder.sample(step, 1), buffer.getvalue())
        runner.train()
        runner.sample("blue")
        await eventually(runner.folder.sheet.exists)
        assert runner.folder.read_verdict() == UNSAFE
        with Image.open(runner.folder.sheet) as sheet:
            colours = {colour: count for count, colour in sheet.getcolors(2**16) or ()}
        assert colours[255, 0, 0] == 64 * 64, "what comes later isn't on it"
