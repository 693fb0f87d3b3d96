"""The way of one prompt that CONTRIBUTING describes is the one that a prompt takes."""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path
from types import FrameType

from tests.cogs.app import App
from tests.pages import ROOT, Page

HOP = re.compile(r"^\d+\. `([\w/]+\.py)`: `([\w.]+)`", re.MULTILINE)
DEVICE, LOOP = "**to the device thread**", "**back to the event"
MAX_HOPS = (12, 10)
"""To the denoiser, and back to the message."""


async def test_a_prompt_goes_the_documented_way(app: App) -> None:
    section = Page(Path("CONTRIBUTING.md")).section("The way of one prompt")
    there, back = (HOP.findall(part) for part in section.split("From the last step back"))
    assert section.count("\n1. ") == 2
    assert len(there) + len(back) == len(re.findall(r"^\d+\. ", section, re.MULTILINE))
    assert 0 < len(there) <= MAX_HOPS[0]
    assert 0 < len(back) <= MAX_HOPS[1]
    assert section.index(DEVICE) < section.index(LOOP)
    called: set[tuple[str, str]] = set()

    def record(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(str(ROOT)):
            called.add((code.co_filename.removeprefix(f"{ROOT}/"), code.co_qualname))

    async with app.open():
        threading.setprofile(record)  # for the device's thread, which starts with the first job
        sys.setprofile(record)
        try:
            await app.painted(app.alice)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    assert [hop for hop in (*there, *back) if hop not in called] == []
