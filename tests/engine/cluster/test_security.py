"""What a worker can't do, and what nobody else can: with the server's own checks."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from nats.aio.client import Client
from PIL import Image

from engine.cluster.bot.streams import open_worker as open_worker_stream
from engine.cluster.errors import ClusterError, KeyRefused
from engine.cluster.protocol.encoding import encode
from engine.cluster.protocol.messages import Alive, Beat, Bye, Cancel
from engine.cluster.protocol.subjects import (
    BOT_INBOX,
    JOBS,
    bucket_of,
    from_worker,
    inbox_of,
    is_answer_to,
    jobs_of,
    to_worker,
)
from engine.cluster.server.certificate import certificate_of, kept_certificate
from engine.cluster.server.connection import connected
from engine.cluster.server.keys import new_key
from engine.jobs.recipe import AdapterUse
from tests.engine.cluster.painter import Painter
from tests.engine.cluster.sides import Bot, Place, open_worker, until

SECRETS = (b"owner-ada", b"server-of-ada", b"token-of-ada")


@contextmanager
def published() -> Iterator[list[bytes]]:
    """Every byte that any client of this process sends to the server."""
    sent: list[bytes] = []
    send = Client._send_publish

    async def noted(self: Client, subject, reply, payload, size, headers):  # type: ignore[no-untyped-def]
        sent.append(bytes(payload))
        await send(self, subject, reply, payload, size, headers)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "_send_publish", noted)
        yield sent


async def test_no_byte_that_is_sent_says_who_asked_for_a_job(
    bot: Bot, place: Place, tmp_path: Path, model: Path
) -> None:
    lora = bot.folder / "loras" / "fox.safetensors"
    lora.parent.mkdir()
    lora.write_bytes(b"LORA" * 1000)
    image = bot.uploads.keep_image(Image.effect_noise((64, 64), 50).convert("RGB"))
    with published() as sent:
        async with open_worker(place.invitation(), tmp_path / "worker", model, Painter()):
            await bot.until_here("attic")
            await bot.painted(image=image, strength=0.5, adapters=(AdapterUse("fox", 1.0),))
    everything = b"".join(sent)
    assert b"a red house" in everything
    assert b"LORALORA" in everything
    assert str(bot.folder).encode() not in everything
    for secret in SECRETS:
        assert secret not in everything


@pytest.mark.slow
async def test_a_forged_key_is_refused(place: Place, tmp_path: Path, model: Path) -> None:
    invitation = place.invitation("attic", new_key())
    async with open_worker(invitation, tmp_path / "worker", model, Painter()) as work:
        with pytest.raises(KeyRefused, match="new invitation"):
            await asyncio.wait_for(asyncio.shield(work), 30)


async def test_another_server_is_not_believed(place: Place, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="isn't the one that the invitation is from"):
        await certificate_of("127.0.0.1", place.port, "x" * 43)
    other = kept_certificate(tmp_path)
    with pytest.raises(ClusterError, match="another certificate"):
        async with connected(
            place.url, place.bot.seed, BOT_INBOX, certificate=other.file.read_text("ascii")
        ):
            pass


async def test_a_worker_reads_and_writes_nothing_of_another(place: Place, bot: Bot) -> None:
    seed = place.workers["cellar"].seed
    refused: list[str] = []
    async with connected(place.url, seed, inbox_of("cellar"), certificate=place.pem) as client:

        async def note(error: Exception) -> None:
            refused.append(str(error))

        client._error_cb = note
        for subject in (to_worker("attic"), jobs_of("attic"), jobs_of("cellar"), ">", "$O.>"):
            await client.subscribe(subject)
        for subject in (
            *(from_worker("attic"), to_worker("attic"), to_worker("cellar"), jobs_of("cellar")),
            *("$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO.ATELIER_JOBS", "$SYS.REQ.USER.INFO"),
            *("$JS.API.CONSUMER.MSG.NEXT.ATELIER_JOBS.attic", "$JS.API.STREAM.PURGE.ATELIER_JOBS"),
            *("$JS.API.STREAM.MSG.GET.ATELIER_JOBS", "$JS.API.DIRECT.GET.OBJ_atelier-attic"),
        ):
            await client.publish(subject, encode(Bye()))
        await until(lambda: len(refused) == 16)


async def test_an_answer_never_goes_to_somebody_else(place: Place, bot: Bot) -> None:
    """On a server with one account for all, what the bot answers is all that could be forged."""
    assert is_answer_to("cellar", f"{inbox_of('cellar')}.x")
    assert not is_answer_to("cellar", to_worker("attic"))
    assert not is_answer_to("cellar", f"{inbox_of('cellar-2')}.x")
    async with connected(
        place.url, place.workers["cellar"].seed, inbox_of("cellar"), certificate=place.pem
    ) as client:
        await client.publish(from_worker("cellar"), encode(Bye()), headers={"Nats-Stream": "x"})
        await until(lambda: bot.cluster.refusals.counts.get(("somebody", "unknown")) == 1)


async def test_the_servers_answers_are_no_commands_to_it(place: Place, bot: Bot) -> None:
    """A worker that names such a command as the subject for an answer would have it obeyed."""
    async with (
        connected(place.url, place.bot.seed, BOT_INBOX, certificate=place.pem) as owner,
        connected(
            place.url, place.workers["cellar"].seed, inbox_of("cellar"), certificate=place.pem
        ) as worker,
    ):
        js = owner.jetstream()
        await open_worker_stream(owner, "cellar")
        await js.create_object_store(bucket_of("cellar"))
        await js.publish(jobs_of("attic"), b"a job")
        commands = "$JS.API.STREAM.PURGE.ATELIER_JOBS", "$JS.API.STREAM.DELETE.ATELIER_JOBS"
        for command in commands:
            for subject in (
                "$JS.API.DIRECT.GET.OBJ_atelier-cellar",
                "$JS.API.CONSUMER.MSG.NEXT.ATELIER_JOBS.cellar",
            ):
                asked = b'{"seq": 1, "batch": 1, "no_wait": true}'
                await worker.publish(subject, asked, reply=command)
        await worker.flush()
        await js.account_info()  # whatever was asked before is done
        assert (await js.stream_info(JOBS)).state.messages == 1


async def test_nothing_is_said_without_encryption(tmp_path: Path) -> None:
    """Somebody in between could leave out that the server wants it."""
    heard, ended = bytearray(), asyncio.Event()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","version":"2.11.0","nonce":"abc"}\r\n')
        heard.extend(await reader.read(1000))
        writer.close()
        await writer.wait_closed()
        ended.set()

    pem = kept_certificate(tmp_path).file.read_text("ascii")
    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ClusterError, match="doesn't speak TLS"):
            async with connected(
                f"nats://127.0.0.1:{port}", new_key().seed, "_INBOX", certificate=pem
            ):
                pass
        await ended.wait()
    assert not heard


async def test_garbage_is_counted_and_stops_nothing(
    place: Place, bot: Bot, painter: Painter
) -> None:
    async with connected(
        place.url, place.workers["cellar"].seed, inbox_of("cellar"), certificate=place.pem
    ) as client:
        for garbage in (b"", b"\xc1", b"\x93\x01", encode(Alive(leases=[])), bytes(1_000_000)):
            await client.publish(from_worker("cellar"), garbage)
        await until(lambda: sum(bot.cluster.refusals.counts.values()) == 5)
    await bot.painted()


@pytest.mark.slow
async def test_ten_thousand_stale_reports_are_ignored_quickly(
    place: Place, bot: Bot, painter: Painter
) -> None:
    async with connected(
        place.url, place.workers["cellar"].seed, inbox_of("cellar"), certificate=place.pem
    ) as client:
        stale = encode(Cancel(lease=1)), encode(Beat(epoch="old.1", takes=4, leases=[1]))
        for number in range(10_000):
            await client.publish(from_worker("cellar"), stale[number % 2])
        await client.flush()
        await bot.painted()
        await until(lambda: bot.cluster.refusals.total("unknown") == 5000)
    assert bot.here() == {"attic"}
