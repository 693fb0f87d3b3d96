"""The process that decodes pictures of strangers: it may be killed, and the next one is served."""

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from engine.errors import InvalidRequest
from engine.images.decoder import DecoderProcess
from engine.images.uploads import UploadFolder
from speech import use_language


@pytest.fixture
async def decoder() -> AsyncIterator[DecoderProcess]:
    decoder = DecoderProcess()
    yield decoder
    await decoder.stop()
    assert not multiprocessing.active_children()


def take_memory() -> int:
    return len(bytearray(3_000_000_000))


async def test_pictures_are_kept_by_a_process_that_may_be_killed(
    tmp_path: Path, decoder: DecoderProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real way for a process to start, which takes a moment without torch."""
    buffer = BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "PNG")
    uploads = UploadFolder(tmp_path)
    name = await decoder.run(uploads.keep, buffer.getvalue())
    assert uploads.size(name) == (8, 8)
    with use_language("zh_CN"), pytest.raises(InvalidRequest) as refused:
        await decoder.run(uploads.keep, b"no picture")
    assert refused.value.sentence.startswith("无法")
    assert "can't be read as a picture" in str(refused.value)
    with pytest.raises(InvalidRequest, match="far too large"):
        await decoder.run(take_memory)
    monkeypatch.setattr("engine.images.decoder.SECONDS", 0.2)
    begun = time.monotonic()
    slow = asyncio.create_task(decoder.run(time.sleep, 60))
    with pytest.raises(InvalidRequest, match="takes too long"):
        await slow
    assert time.monotonic() - begun < 5
    monkeypatch.setattr("engine.images.decoder.SECONDS", 60)
    assert await decoder.run(uploads.keep, buffer.getvalue()) == name


async def test_a_cancelled_picture_doesnt_hold_up_the_next_one(decoder: DecoderProcess) -> None:
    slow = asyncio.create_task(decoder.run(time.sleep, 60))
    await asyncio.sleep(0.1)
    slow.cancel()
    begun = time.monotonic()
    assert await decoder.run(len, b"four") == 4
    assert time.monotonic() - begun < 10
