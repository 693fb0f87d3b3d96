"""A child process, at the moments at which it is hardly there."""

import asyncio
import multiprocessing

import pytest

from engine.processes.channel import Channel
from engine.processes.child_process import NOT_STARTED, ChildProcess
from engine.processes.questions import NoAnswer


def serve(channel: Channel) -> None:
    channel.serve({"double": lambda number: 2 * number})


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.1])
async def test_a_process_may_be_stopped_while_it_starts(delay: float) -> None:
    codes: list[int] = []
    process = ChildProcess("brief", serve, on_exit=codes.append)
    asked = process.ask("double", 21)
    await asyncio.sleep(delay)
    async with asyncio.timeout(20):
        assert await process.stop(0)
        with pytest.raises(NoAnswer):
            await asyncio.wrap_future(asked)
    assert len(codes) == 1
    assert not multiprocessing.active_children()


async def test_a_process_that_cannot_start_has_ended(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for it forever."""
    codes: list[int] = []
    process = ChildProcess("never", lambda channel: None, on_exit=codes.append)  # not picklable
    asked = process.ask("double", 21)
    async with asyncio.timeout(20):
        with pytest.raises(NoAnswer):
            await asyncio.wrap_future(asked)
        assert not await process.stop(20)
    assert codes == [NOT_STARTED]
    assert "“never” can't be started" in caplog.text
