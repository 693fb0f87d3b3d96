"""Describing and rewriting: the files, the process, and what comes of an answer."""

import asyncio
import multiprocessing
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from engine.errors import InvalidRequest, ModelUnavailable
from engine.images.decoder import DecoderThread
from engine.network_settings import DescribeSettings, PromptSettings
from engine.processes.questions import NoAnswer
from engine.writing.describer import Describer
from engine.writing.host import ANSWER, WriterProcess, WriterThread
from engine.writing.instructions import Rewriting
from engine.writing.model_files import WriterFiles
from engine.writing.rewriter import Rewriter
from tests.tiny.writers import blip, parrot

pytestmark = pytest.mark.usefixtures("one_thread", "short")


async def nowhere(source: str, sees: bool) -> Path:
    raise ModelUnavailable("The Hub can't be reached.")


async def png() -> bytes:
    buffer = BytesIO()
    Image.new("RGBA", (900, 600), "red").save(buffer, "PNG")
    return buffer.getvalue()


async def text() -> bytes:
    return b"no picture"


async def test_a_picture_becomes_up_to_four_prompts(tmp_path: Path) -> None:
    settings = DescribeSettings(model=str(blip(tmp_path)))
    describer = Describer(settings, DecoderThread(), nowhere, WriterThread)
    prompts = await describer.describe(png, "alice")
    assert len(set(prompts)) == len(prompts) > 1
    with pytest.raises(InvalidRequest, match="can't be read as a picture"):
        await describer.describe(text, "alice")
    await describer.stop()


async def test_flags_and_loras_stay_as_they_are(tmp_path: Path) -> None:
    settings = PromptSettings(model=str(parrot(tmp_path, 'Prompt: "a red fox, snow"')))
    rewriter = Rewriter(settings, nowhere, WriterThread)
    asked = "a fox <lora:fur:0.8> --ar 3:2 --no rain, mud --seed 5"
    prompt = await rewriter.rewrite(Rewriting.IMPROVE, asked, 1, "alice")
    assert prompt == "a red fox, snow <lora:fur:0.8> --ar 3:2 --no rain, mud --seed 5"
    with pytest.raises(InvalidRequest, match="no words"):
        await rewriter.rewrite(Rewriting.IMPROVE, "--ar 3:2 <lora:fur:1>", 1, "alice")
    with pytest.raises(InvalidRequest, match="--wide"):
        await rewriter.rewrite(Rewriting.SHORTEN, "a fox --wide", 1, "alice")
    await rewriter.stop()
    empty = PromptSettings(model=str(parrot(tmp_path / "thinker", "<think>hm")))
    rewriter = Rewriter(empty, nowhere, WriterThread)
    with pytest.raises(InvalidRequest, match="nothing useful"):
        await rewriter.rewrite(Rewriting.SHORTEN, "a fox", 1, "alice")
    await rewriter.stop()


async def test_without_a_model_the_owner_is_told_which_to_choose() -> None:
    describer = Describer(DescribeSettings(), DecoderThread(), nowhere, WriterThread)
    assert not describer.enabled
    with pytest.raises(InvalidRequest, match=r"section `\[describe\]`.*Florence-2-base.*1 GB"):
        await describer.describe(png, "alice")
    rewriter = Rewriter(PromptSettings(), nowhere, WriterThread)
    with pytest.raises(InvalidRequest, match=r"section `\[prompts\]`.*Qwen3-0\.6B.*3 GB"):
        await rewriter.rewrite(Rewriting.IMPROVE, "a fox", 1, "alice")


async def test_nobody_waits_for_a_download_which_is_told_when_it_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun, go_on = list[str](), asyncio.Event()

    async def download(source: str, sees: bool) -> Path:
        begun.append(source)
        await go_on.wait()
        raise ModelUnavailable("The Hub can't be reached.")

    monkeypatch.setattr("engine.writing.model_files.language_model_on_disk", lambda *_, **__: None)
    files = WriterFiles("someone/writer", download, sees=False)
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="someone/writer is being downloaded"):
            await files.folder()
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.sleep(0.01)
    with pytest.raises(ModelUnavailable, match="can't be reached"):
        await files.folder()
    with pytest.raises(ModelUnavailable, match="is being downloaded"):
        await files.folder()
    await asyncio.sleep(0)
    await files.stop()
    assert begun == ["someone/writer"] * 2


async def test_the_process_ends_when_idle_and_a_new_one_answers(
    tmp_path: Path, forked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = parrot(tmp_path / "parrot", "a red fox")
    host = WriterProcess("prompt writer", 1, idle=0.05)
    for _ in range(2):
        assert await host.ask(ANSWER, folder, [("user", "a fox")], 1) == "a red fox"
        assert len(multiprocessing.active_children()) == 1
        await asyncio.sleep(0.1)
        assert host._ended is not None
        async with asyncio.timeout(30):
            await host._ended
    with pytest.raises(ModelUnavailable, match="couldn't be loaded"):
        await host.ask(ANSWER, tmp_path, [("user", "a fox")], 1)
    monkeypatch.setattr("engine.writing.host.SECONDS", 0.0)
    with pytest.raises(ModelUnavailable, match="failed or took too long"):
        await host.ask(ANSWER, folder, [("user", "a fox")], 1)
    monkeypatch.undo()
    asked = asyncio.create_task(host.ask(ANSWER, folder, [("user", "a fox")], 1))
    await asyncio.sleep(0)
    await host.stop()
    with pytest.raises(NoAnswer):
        await asked
    assert not multiprocessing.active_children()
