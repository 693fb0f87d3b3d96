"""Whatever ends the process, no job is lost and none is posted twice.

The bot runs as its owner runs it, `python bot.py run`, in a process of its own, and is killed with
SIGKILL at chosen moments. Discord's side is what counts: each job's pictures exactly once, the same
pictures as in an undisturbed run, and in the job's home message wherever Discord still knows one.
"""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from engine import EngineSettings, ImageRequest, ModelSettings, Requester, open_studio
from engine.store import Database
from tests.bot_process import ROOT, Owner
from tests.cogs.generate.test_options import picture
from tests.discord_server import Channel, DiscordServer, Guild, Member, Message, Upload
from tests.fork_server import fork_server

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


STEPS = 40


@pytest.fixture(scope="module")
def systemd() -> Iterator[socket.socket]:
    """Where systemd listens to what the bot tells it, with a watchdog of a second."""
    with (
        TemporaryDirectory(dir="/tmp") as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening,
        pytest.MonkeyPatch.context() as environment,
    ):
        listening.bind(f"{folder}/notify")
        listening.setblocking(False)
        environment.setenv("NOTIFY_SOCKET", f"{folder}/notify")
        environment.setenv("WATCHDOG_USEC", "1000000")
        yield listening


def heard(systemd: socket.socket) -> list[str]:
    """What systemd has been told since this was last asked."""
    states: list[str] = []
    with contextlib.suppress(BlockingIOError):
        while True:
            states += systemd.recv(4096).decode().splitlines()
    return states


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owner(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, systemd: socket.socket
) -> AsyncIterator[Owner]:
    folder = tmp_path_factory.mktemp("restart")
    async with DiscordServer() as discord, fork_server(ROOT) as forks:
        owner = Owner(folder, tiny_model, discord, forks)
        await owner.start()
        yield owner
        await owner.end(signal.SIGKILL)


@pytest.fixture(scope="module")
def guild(owner: Owner) -> Guild:
    return owner.discord.add_guild("Painters")


@pytest.fixture(scope="module")
def art(guild: Guild) -> Channel:
    return guild.add_channel("art")


@pytest.fixture(scope="module")
def alice(guild: Guild) -> Member:
    return guild.add_member("alice")


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: Path
) -> Callable[[int], Awaitable[np.ndarray]]:
    """What an undisturbed run paints from a seed: RGB pixels of shape (64, 64, 3)."""
    folder = tmp_path_factory.mktemp("undisturbed")
    model = ModelSettings(source=str(tiny_model), width=64, height=64, min_side=32, max_side=128)

    async def paint(seed: int) -> np.ndarray:
        engine = EngineSettings(default_model="tiny", device="cpu")
        async with open_studio(engine, {"tiny": model}, folder) as studio:
            request = ImageRequest(prompt="a house", num_inference_steps=STEPS, seed=seed)
            job = await studio.submit(request, Requester(owner="me"))
            events = [event async for event in studio.watch(job.id)]
        [file] = events[-1].pictures
        return np.asarray(Image.open(file))

    return paint


async def imagine(alice: Member, art: Channel, seed: int) -> Message:
    use = await alice.slash(art, "imagine", prompt="a house", steps=STEPS, seed=seed)
    return await use.message()


def showing(art: Channel, seed: int) -> list[Message]:
    """The messages that show the finished picture of this seed."""
    return [m for m in art.messages if m.attachments and f"seed {seed}" in m.text()]


async def shown(owner: Owner, art: Channel, seed: int) -> Message:
    """The one message that shows the picture of this seed, once it is there."""
    await owner.discord.until(lambda: showing(art, seed), 40)
    [message] = showing(art, seed)
    return message


def pixels(message: Message) -> np.ndarray:
    [attachment] = message.attachments
    return np.asarray(Image.open(BytesIO(attachment.read())))


def same(picture: np.ndarray, other: np.ndarray) -> bool:
    """Whether the pictures are equal to rounding."""
    return int(np.abs(picture.astype(int) - other.astype(int)).max()) <= 1


async def test_killed_while_jobs_are_queued_and_mid_step(
    owner: Owner, art: Channel, alice: Member, undisturbed: Callable[[int], Awaitable[np.ndarray]]
) -> None:
    homes = [await imagine(alice, art, seed) for seed in range(1, 6)]
    await asyncio.sleep(0.1)
    await owner.end(signal.SIGKILL)
    assert len([m for m in homes if not m.attachments]) >= 3, "most were still waiting"

    await owner.start()

    for seed, home in enumerate(homes, start=1):
        message = await shown(owner, art, seed)
        assert message is home
        assert same(pixels(message), await undisturbed(seed))
    assert len(art.messages) == 5


async def test_killed_again_and_again_in_the_middle_of_a_step(
    owner: Owner, art: Channel, alice: Member
) -> None:
    home = await imagine(alice, art, 11)
    for pause in (0.0, 0.2):
        await asyncio.sleep(pause)
        await owner.end(signal.SIGKILL)
        await owner.start()
    assert await shown(owner, art, 11) is home


async def test_killed_when_the_picture_is_painted_but_not_posted(
    owner: Owner, art: Channel, alice: Member, undisturbed: Callable[[int], Awaitable[np.ndarray]]
) -> None:
    failing = owner.discord.fail_next(method="PATCH", path=r"/webhooks/.*", status=500, times=99)
    home = await imagine(alice, art, 21)
    await owner.discord.until(lambda: failing.hits > 0, 20)
    await owner.end(signal.SIGKILL)
    assert not home.attachments
    owner.discord.call_off_faults()

    await owner.start()

    message = await shown(owner, art, 21)
    assert message is home
    assert same(pixels(message), await undisturbed(21))


async def test_killed_at_the_instant_at_which_discord_has_a_deferred_answer(
    owner: Owner, art: Channel, alice: Member
) -> None:
    """“… is thinking” is a promise: the request with its attachment was stored before it."""
    owner.discord.never_answer(path=r"/interactions/.*/callback", times=9)
    upload = Upload("house.png", picture())
    use = await alice.slash(
        art, "imagine", prompt="a barn", image=upload, steps=STEPS, seed=25, strength=0.5
    )
    await owner.discord.until(lambda: use.response is not None, 20)
    await owner.end(signal.SIGKILL)
    owner.discord.call_off_faults()

    await owner.start()

    message = await shown(owner, art, 25)
    assert message is await use.message()


async def test_killed_between_the_edit_and_its_commit(
    owner: Owner, art: Channel, alice: Member
) -> None:
    owner.discord.fail_next(
        method="PATCH", path=r"/webhooks/.*", status=500, times=99, lose_answer=True
    )
    home = await imagine(alice, art, 31)
    await owner.discord.until(lambda: home.attachments, 40)
    await owner.end(signal.SIGKILL)
    owner.discord.call_off_faults()
    edits = len(home.edits)

    await owner.start()

    await owner.discord.until(lambda: len(home.edits) > edits, 20)
    assert await shown(owner, art, 31) is home


async def test_killed_before_discord_was_answered(
    owner: Owner, art: Channel, alice: Member, undisturbed: Callable[[int], Awaitable[np.ndarray]]
) -> None:
    """The job is written down before the answer, so the picture comes all the same."""
    owner.discord.fail_next(path=r"/interactions/.*/callback", status=500, times=99)
    using = asyncio.ensure_future(
        alice.slash(art, "imagine", prompt="a house", steps=STEPS, seed=41)
    )
    await owner.discord.until(
        lambda: any("/callback" in r.path for r in owner.discord.requests[-3:]), 20
    )
    await owner.end(signal.SIGKILL)
    assert (await using).failed
    owner.discord.call_off_faults()

    with owner.discord.expecting(10015):  # the token of an unanswered interaction opens nothing
        await owner.start()
        message = await shown(owner, art, 41)

    assert same(pixels(message), await undisturbed(41))


async def test_killed_between_the_answer_and_knowing_its_message(
    owner: Owner, art: Channel, alice: Member
) -> None:
    owner.discord.fail_next(
        path=r"/interactions/.*/callback", status=500, times=1, lose_answer=True
    )
    use = await alice.slash(art, "imagine", prompt="a house", steps=STEPS, seed=51)
    home = await use.message()
    await owner.end(signal.SIGKILL)

    await owner.start()

    assert await shown(owner, art, 51) is home


async def test_sigterm_finishes_what_is_in_hand_and_keeps_the_rest(
    owner: Owner, art: Channel, alice: Member
) -> None:
    homes = [await imagine(alice, art, seed) for seed in range(61, 67)]
    code = await owner.end(signal.SIGTERM)
    assert code == 0, owner.log()
    in_time = [home for home in homes if home.attachments]
    assert in_time, "what was being painted was finished and shown"

    await owner.start()

    for seed, home in enumerate(homes, start=61):
        assert await shown(owner, art, seed) is home


async def test_killed_in_the_middle_of_a_sheet(owner: Owner, art: Channel, alice: Member) -> None:
    """Cells that are there are not painted again, and the sheet is shown where it was promised."""
    steps = "1, 2, 95, 96, 97, 98, 99, 100"
    use = await alice.slash(art, "grid", prompt="a house", x="steps", x_values=steps)
    question = await use.message()
    others, before = len(owner.pictures()), len(art.messages)
    await alice.click(question, label="Paint 8 pictures")
    await owner.discord.until(lambda: len(art.messages) > before, 20)
    home = art.messages[-1]
    deadline = time.monotonic() + 40
    while len(owner.pictures()) < others + 3:
        assert time.monotonic() < deadline, owner.log()
        await asyncio.sleep(0.01)
    await owner.end(signal.SIGKILL)
    assert not home.attachments
    *painted, _ = sorted(owner.pictures().items(), key=lambda file: file[1])
    assert len(painted) < others + 8, "the last one of them may not have been written down yet"

    await owner.start()

    await owner.discord.until(lambda: home.attachments, 60)
    assert len(art.messages) == before + 1
    assert set(painted) <= set(owner.pictures().items()), "none of them was written anew"
    assert len(owner.pictures()) == others + 8


async def test_the_log_names_neither_prompts_nor_tokens(
    owner: Owner, art: Channel, alice: Member
) -> None:
    await imagine(alice, art, 91)
    await shown(owner, art, 91)
    for logged in (owner.log(), owner.log_file()):
        assert "Ready as" in logged
        assert "a house" not in logged
        assert owner.discord.token not in logged


async def test_a_backup_is_made_while_it_paints(
    owner: Owner, art: Channel, alice: Member, tmp_path: Path
) -> None:
    await imagine(alice, art, 95)
    await shown(owner, art, 95)
    await imagine(alice, art, 96)
    await asyncio.to_thread(owner.command, "backup", str(tmp_path / "b.zip"), "--pictures")
    with ZipFile(tmp_path / "b.zip") as archive:
        pictures = [name for name in archive.namelist() if name.startswith("pictures/")]
        archive.extract("atelier.db", tmp_path)
        assert owner.discord.token not in archive.read("config.toml").decode()
    async with Database(tmp_path / "atelier.db") as database:
        files = [file for (file,) in await database.read("SELECT file FROM pictures")]
    assert files
    assert {*files} <= {*pictures}
    await shown(owner, art, 96)


async def test_systemd_hears_that_it_is_ready_alive_and_stopping(
    owner: Owner, systemd: socket.socket
) -> None:
    await owner.end(signal.SIGKILL)
    heard(systemd)
    await owner.start()
    told: list[str] = []

    def beaten() -> bool:
        told.extend(heard(systemd))
        return "READY=1" in told and "WATCHDOG=1" in told[told.index("READY=1") + 3 :]

    await owner.discord.until(beaten, 20)
    assert "EXTEND_TIMEOUT_USEC=60000000" in told[: told.index("READY=1")]
    os.kill(owner.process, signal.SIGSTOP)
    await asyncio.sleep(0.2)
    heard(systemd)
    await asyncio.sleep(1.2)
    assert heard(systemd) == [], "systemd would restart it now"
    os.kill(owner.process, signal.SIGCONT)
    assert await owner.end(signal.SIGTERM) == 0
    assert "STOPPING=1" in heard(systemd)
    await owner.start()
