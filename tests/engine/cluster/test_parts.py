"""The parts of which both sides are made, without a network."""

import dataclasses
import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

import msgpack
import pytest
from PIL import Image

from engine.cluster.errors import BadInvitation, ClusterError
from engine.cluster.file_hashes import FileHashes
from engine.cluster.identity import Kind, Resource, Resources
from engine.cluster.invitation import Invitation, own_address
from engine.cluster.invited import InvitedWorkers
from engine.cluster.job_messages import paint_message, recipe_of, recipe_values
from engine.cluster.keys import kept_key, key_of, new_key
from engine.cluster.leases import Leases
from engine.cluster.messages import PART_BYTES
from engine.cluster.pausing import BUSY_CARD, PauseFile, Pausing
from engine.cluster.pictures import (
    SENT_BYTES,
    Assembly,
    WrongPicture,
    expected_size,
    file_of,
    packed,
    parts,
    usable_preview,
)
from engine.cluster.settings import ClusterSettings
from engine.cluster.told_sentences import readable
from engine.cluster.wire import encode
from engine.devices.messages import Pixels, ProcessPicture, RunJob
from engine.jobs.control import Control, ControlKind
from engine.jobs.process import Process, ProcessKind
from engine.jobs.recipe import AdapterUse, DraftOf
from engine.models.catalogue import SKETCH_FOLDER, Catalogue
from engine.models.networks import Network
from speech import say, use_language
from tests.engine.builders import engine_settings, job, model, model_settings, recipe
from tests.engine.cluster.painter import PREVIEW, picture

FULL = recipe(
    negative_prompt="fog",
    image="a.png",
    mask="b.png",
    strength=0.5,
    adapters=(AdapterUse("fox", 0.5),),
    references=("c.png",),
    control=Control(image="d.png", kind=ControlKind.POSE, network="union"),
    tile=True,
    chaos=3,
    quick=True,
)


def test_a_recipe_crosses_the_wire_and_is_the_same() -> None:
    for one in (recipe(), FULL):
        values = msgpack.unpackb(msgpack.packb(recipe_values(one)))
        assert recipe_of(values) == one


def test_only_unusual_values_are_sent_and_nothing_that_is_not_painted() -> None:
    assert "mask" not in recipe_values(recipe())
    assert "draft_of" not in recipe_values(recipe(draft_of=DraftOf("flux")))


@pytest.mark.parametrize(
    "values", [{}, {"prompt": 3}, recipe_values(recipe()) | {"glow": 1}, {"process": "x"}]
)
def test_a_recipe_with_what_is_not_known_here_is_refused_rather_than_painted(
    values: dict[str, object],
) -> None:
    with pytest.raises(ValueError, match=r"."):
        recipe_of(values)


def test_a_job_says_nothing_of_who_asked_for_it() -> None:
    one = dataclasses.replace(
        job(77_123_456, owner="ada#1815"), scope="guild-99", message_ref={"token": "aW50"}
    )
    data = encode(
        paint_message(RunJob(one, model()), epoch="e", lease=1, digest="0" * 64, files=[])
    )
    for secret in (b"ada#1815", b"guild-99", b"aW50", msgpack.packb(77_123_456)):
        assert secret not in data
    assert b"a red house" in data


def test_a_key_is_one_that_nats_takes_and_is_kept(tmp_path: Path) -> None:
    key = kept_key(tmp_path / "bot.nk")
    assert kept_key(tmp_path / "bot.nk") == key
    assert key.seed not in repr(key)
    assert key_of(key.seed).public == key.public
    for wrong in ("", "SUABC", key.public, key.seed[:-1] + "é"):
        with pytest.raises(ValueError, match="seed"):
            key_of(wrong)


@pytest.mark.parametrize("host", ["192.168.1.20", "pc.local", "fd00::7"])
def test_an_invitation_is_one_line_that_can_be_read_again(host: str) -> None:
    one = Invitation(host=host, port=4222, name="attic", key=new_key(), fingerprint="f" * 43)
    assert Invitation.read(f" '{one.line}'\n") == one
    assert one.key.seed not in one.url


@pytest.mark.parametrize("line", ["", "attic", "http://x/y", "nats://h:1/", "nats://[/", "nats://"])
def test_what_is_no_invitation_is_said(line: str) -> None:
    with pytest.raises(BadInvitation, match="isn't an invitation"):
        Invitation.read(line)


def test_this_machine_has_an_address() -> None:
    assert own_address().count(".") == 3


def test_workers_are_invited_and_revoked(tmp_path: Path) -> None:
    invited = InvitedWorkers(tmp_path)
    assert invited.all() == {}
    invited.add("attic", "U1")
    before = invited.changed()
    with pytest.raises(ClusterError, match="already a worker"):
        invited.add("attic", "U2")
    for name in ("", "Attic", "a.b", "a>", "-a", "a" * 33, "a/b", "cpu", "cuda"):
        with pytest.raises(ClusterError, match="can't be a worker's name"):
            invited.add(name, "U2")
    invited.add("cellar", "U2")
    assert invited.changed() != before
    invited.remove("attic")
    assert invited.all() == {"cellar": "U2"}
    with pytest.raises(ClusterError, match="no worker named"):
        invited.remove("attic")


def assembled(data: bytes, size: tuple[int, int] = (64, 64)) -> Assembly:
    assembly = Assembly(1, size)
    for offset, part in parts(data):
        assembly.add(0, offset, part)
    return assembly


def test_pictures_are_put_together_whatever_comes_twice() -> None:
    pixels = picture(1, 900, 700)
    data = packed(pixels)
    assert len(data) > 2 * SENT_BYTES
    assembly = assembled(data, (900, 700))
    for offset, part in parts(data):
        assembly.add(0, offset, part)
    assert assembly.complete([file_of(data)])
    assert assembly.pixels([file_of(data)]) == (pixels,)


def test_transparency_survives() -> None:
    pixels = Pixels(64, 64, bytes(range(256)) * 64, "RGBA")
    data = packed(pixels)
    assert assembled(data).pixels([file_of(data)]) == (pixels,)


def test_a_preview_is_a_small_picture_or_nothing() -> None:
    assert usable_preview(PREVIEW) == PREVIEW
    for wrong in (None, b"", b"<script>", PREVIEW[:20], packed(picture(1, 32, 64))):
        assert usable_preview(wrong) is None


def test_what_is_not_the_picture_that_was_asked_for_is_refused() -> None:
    data = packed(picture(1, 32, 64))
    with pytest.raises(WrongPicture, match="another size"):
        assembled(data).pixels([file_of(data)])
    assert not assembled(data).complete([file_of(data + b"x")])
    with pytest.raises(WrongPicture, match="another number"):
        assembled(data).pixels([])
    with pytest.raises(WrongPicture, match="not a picture"):
        assembled(b"GIF89a").pixels([file_of(b"GIF89a")])
    broken = data[:-12] + b"\0\0\0\1gAMA\0" + zlib.crc32(b"gAMA\0").to_bytes(4, "big") + data[-12:]
    with pytest.raises(WrongPicture, match="not a picture"):
        Assembly(1, (32, 64))._read(broken, file_of(broken))
    with pytest.raises(WrongPicture, match="a part is missing"):
        Assembly(1, (64, 64)).add(0, 5, b"x")
    with pytest.raises(WrongPicture, match="too many pictures"):
        Assembly(1, (64, 64)).add(1, 0, b"x")


def test_no_worker_can_fill_the_memory() -> None:
    assembly = Assembly(1, (64, 64))
    with pytest.raises(WrongPicture, match="too many bytes"):
        assembly.add(0, 0, bytes(PART_BYTES))


def test_the_size_that_is_expected(tmp_path: Path) -> None:
    assert expected_size(RunJob(job(width=96), model())) == (96, 64)
    file = tmp_path / "a.png"
    Image.new("RGB", (40, 30)).save(file)
    for kind, size in ((ProcessKind.UPSCALE, (80, 60)), (ProcessKind.BACKGROUND, (40, 30))):
        work = Process(kind=kind, image="a.png")
        network = Network(kind=kind, name="n", source="s")
        command = ProcessPicture(job(process=work, enlarged=2), network, file)
        assert expected_size(command) == size


def test_late_reports_are_told_from_repeated_ones() -> None:
    leases = Leases(iter(range(1, 100)))
    lease = leases.begin(RunJob(job(5), model()))
    assert leases.of_job(5) is lease
    assert leases.end(lease)
    assert not leases.end(lease)
    assert leases.why_dead(lease.number) == "doubled"
    assert leases.why_dead(77) == "late"


def test_hashes_are_kept_until_the_file_changes(tmp_path: Path) -> None:
    file, kept = tmp_path / "a", tmp_path / "hashes.json"
    file.write_bytes(b"one")
    hashes = FileHashes(kept)
    assert hashes.of(file) == hashlib.sha256(b"one").hexdigest()
    file.write_bytes(b"other")
    assert hashes.of(file) == hashlib.sha256(b"other").hexdigest()
    kept.write_text("[1]")
    assert FileHashes(kept).of(file) == hashlib.sha256(b"other").hexdigest()
    name = "ab" * 32
    (tmp_path / name).write_bytes(b"as in the cache of the Hub")
    (tmp_path / "link").symlink_to(tmp_path / name)
    assert hashes.of(tmp_path / "link") == name


def test_not_all_hashes_are_remembered_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.cluster.file_hashes.MOST_KNOWN", 4)
    hashes = FileHashes()
    for number in range(10):
        file = tmp_path / str(number)
        file.write_bytes(bytes(number))
        assert hashes.of(file) == hashes.of(file) == hashlib.sha256(bytes(number)).hexdigest()
    assert len(hashes._known) <= 4


def test_what_a_job_needs_and_what_identifies_it(tmp_path: Path) -> None:
    words = tmp_path / "embeddings"
    words.mkdir()
    (words / "Glow.safetensors").write_bytes(b"vectors")
    (words / "notes.txt").write_bytes(b"")
    catalogue = Catalogue({"tiny": model_settings(SKETCH_FOLDER)}, "tiny")
    resources = Resources(engine_settings(), catalogue, FileHashes(), embeddings=words)
    needed = resources.needed_by(job(prompt="a <glow> house"))
    assert needed == [Resource(Kind.MODEL, "tiny"), Resource(Kind.EMBEDDING, "glow")]
    assert resources.needed_by(job(prompt="a glowing house")) == [Resource(Kind.MODEL, "tiny")]
    assert set(resources.hashes_of(needed)) == set(needed)
    assert resources.hash_of(Resource(Kind.CONTROL, "nothing")) is None
    assert resources.hash_of(Resource(Kind.MODEL, "nothing")) is None
    with_it = job(prompt="a <glow> house")
    assert resources.needed_by(with_it) is resources.needed_by(with_it), "found out once"


def test_the_sentence_of_a_worker_fills_in_names_and_nothing_else() -> None:
    with use_language("zh_CN"):
        told = say("There's no LoRA “{name}”.", name="fox")
        assert readable(told.to_json()) == told
        assert readable(say("{flag} is {most:g}.", flag="a", most=1.0).to_json()) == "a is 1."
        assert readable("plain {text:>9}") == "plain {text:>9}"
        fallback = say("The picture couldn't be painted.")
        many = {"one": "{a}{a}{a}", "many": None, "values": {"a": "b"}}
        deep: dict[str, Any] = {"one": "{a}", "many": None, "values": {"a": "b"}}
        for _ in range(5):
            deep = {"one": "{a}{a}", "many": None, "values": {"a": deep}}
        nothing: dict[str, Any] = {"many": None, "values": {}}
        for wrong in (
            *({"one": "{a:>999999999}", "many": None, "values": {"a": 1}}, many, deep, {"one": 1}),
            *({"one": "{a.__class__}", "many": None, "values": {"a": 1}}, {"one": "{"}),
            {"one": "{a:f}", "values": {"a": 10**400}},
            {"one": "{a:{a}}", "many": None, "values": {"a": 999999999}},
        ):
            assert readable(json.dumps(nothing | wrong)) == fallback
        assert readable("") == fallback


def test_a_worker_pauses_by_command_and_stays_so(tmp_path: Path) -> None:
    file = PauseFile(tmp_path)
    file.set(True)
    assert Pausing(PauseFile(tmp_path), (), lambda: True).reason == "paused"
    file.set(False)
    assert Pausing(file, (), lambda: True).reason is None
    (tmp_path / "paused").mkdir()  # a worker of that name
    assert not file.is_set


def test_a_worker_pauses_while_a_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = ["init", "steam"]
    monkeypatch.setattr("engine.cluster.pausing.running_programs", lambda: running)
    pausing = Pausing(PauseFile(tmp_path), ("Steam.exe",), lambda: True)
    assert pausing._look() == "Steam.exe"
    running.remove("steam")
    assert pausing._look() is None


def test_a_worker_pauses_while_others_keep_the_card_busy(tmp_path: Path) -> None:
    use: int | None = 90
    idle = False
    pausing = Pausing(PauseFile(tmp_path), (BUSY_CARD,), lambda: idle, lambda: use)
    assert [pausing._look() for _ in range(4)] == [None] * 4, "it's its own work"
    idle = True
    assert [pausing._look() for _ in range(2)] == [None, BUSY_CARD]
    use = 30
    assert pausing._look() == BUSY_CARD, "not quite idle"
    use = 0
    assert pausing._look() is None
    use = None
    assert pausing._look() is None


def test_settings_name_one_place() -> None:
    assert not ClusterSettings().enabled
    assert ClusterSettings(listen="[::1]:4222").bound == ("::1", 4222)
    assert ClusterSettings(url="tls://nats.example.org").enabled
    for wrong in ({"listen": "4222"}, {"listen": "a:0"}, {"url": "http://x"}, {"address": "a/b"}):
        with pytest.raises(ValueError, match=r"."):
            ClusterSettings(**wrong)
