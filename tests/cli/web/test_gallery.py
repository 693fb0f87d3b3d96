"""Pictures: by number only, and only those that everyone may see."""

from __future__ import annotations

import io
from urllib.parse import unquote

import pytest
from PIL import Image
from starlette.types import Message

from engine.safety.checker import SafetyChecker
from tests.cli.web.conftest import PRIVATE, PUBLIC, House


async def status_of(house: House, path: str) -> int:
    """The status of the answer to a request for exactly that path."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    await house.app(scope, receive, send)
    return int(sent[0]["status"])


async def test_public_pictures_are_shown_and_no_others(house: House) -> None:
    public = await house.painted(count=2)
    private = await house.painted(PRIVATE)
    html = (await house.get("/")).text
    assert f"/pictures/{public}/0" in html
    assert f"/thumbnails/{public}/1" in html
    assert f"/pictures/{private}/" not in html
    answer = await house.get(f"/pictures/{public}/1")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"].startswith("private, max-age=")
    assert Image.open(io.BytesIO(answer.content)).size == (64, 64)
    small = await house.get(f"/thumbnails/{public}/1")
    assert small.headers["Content-Type"] == "image/webp"
    assert Image.open(io.BytesIO(small.content)).format == "WEBP"
    for path in (f"/pictures/{private}/0", f"/thumbnails/{private}/0", f"/pictures/{public}/2"):
        assert (await house.get(path)).status_code == 404, path


async def test_a_picture_that_was_deleted_is_gone_at_once(house: House) -> None:
    job_id = await house.painted()
    assert (await house.get(f"/thumbnails/{job_id}/0")).status_code == 200
    await house.studio.delete(job_id)
    assert (await house.get(f"/thumbnails/{job_id}/0")).status_code == 404
    assert (await house.get(f"/pictures/{job_id}/0")).status_code == 404


TRICKS = (
    *("/pictures/1", "/pictures/1/-1", "/pictures/1/0/../../../atelier.db", "/pictures/%31/%2e"),
    *("/pictures/..%2f..%2fatelier.db/0", "/pictures/1/0.png", "/pictures/%EF%BC%91/0x0"),
    *("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%5capp.py", "/static/"),
    *("/static//etc/passwd", "/atelier.db", "//etc/passwd", "/previews/1", "/pictures/1/\x00"),
    *(f"/pictures/{10**30}/0", f"/pictures/1/{'9' * 5000}", "/pictures/" + "1/" * 40_000),
)


async def test_tricks_with_paths_lead_nowhere(house: House) -> None:
    """As the server hands them on, which no client has tidied up."""
    await house.painted()
    for path in TRICKS:
        assert await status_of(house, path) in (400, 404, 414), path


async def test_previews_are_those_of_public_jobs_that_are_painted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.diffusion.running_job.PREVIEW_MIN_DURATION", 0.0)
    monkeypatch.setattr("engine.diffusion.running_job.PREVIEW_INTERVAL", 0.0)
    for place, status in ((PUBLIC, 200), (PRIVATE, 404)):
        job_id = await house.submit(place, num_inference_steps=150)
        async for event in house.studio.watch(job_id):
            if event.preview is not None:
                break
        answer = await house.get(f"/previews/{job_id}")
        assert answer.status_code == status
        with monkeypatch.context() as checked:
            checked.setattr(SafetyChecker, "enabled", True)
            assert (await house.get(f"/previews/{job_id}")).status_code == 404
        await house.studio.cancel(job_id)
        assert answer.status_code == 404 or answer.content[:4] == b"RIFF"
