"""`backup` and `restore`: everything or nothing, whatever the file and the disk are like."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest
from filelock import FileLock

from cli.backup.restore import restore
from cli.backup.swap import Swap, finish_swaps
from cli.backup.write import Choices
from cli.backup.write import backup as write_backup
from cli.exits import Exit
from cli.settings import load_settings
from engine import ModelSettings
from engine.models.added import DATABASE, added_models
from engine.store import Database, ModelTable
from tests.cli.conftest import TOKEN, Atelier

HUB_TOKEN = "hf_" + "aB3" * 8
CONFIG = f"""\
# Mine.
[discord]
token = "{TOKEN}"
#token = "an older one"
proxy = "http://ada:pass@proxy.example:8080"
[engine]
hub_token = '{HUB_TOKEN}'  # read access
batch_size = 3
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings with tokens, a data folder with an added model and files, and a backup of it."""
    place = tmp_path_factory.mktemp("prepared")
    (place / "config.toml").write_text(CONFIG)
    folder = place / "data"
    asyncio.run(_add_model(folder))
    for name in ("pictures/000/000001-1.png", "uploads/a.png", "loras/style.safetensors"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode() * 1000)
    settings = load_settings(place / "config.toml")
    choices = Choices(pictures=True, loras=True)
    write_backup(settings, place / "config.toml", place / "backup.zip", choices)
    return place


async def _add_model(folder: Path) -> None:
    async with Database(folder / DATABASE) as database:
        await ModelTable(database).save("fox", ModelSettings(source="someone/fox"))


@pytest.fixture
def data(workplace: Path, prepared: Path) -> Path:
    """The data folder in the working directory, where the settings are, too."""
    shutil.copytree(prepared, workplace, dirs_exist_ok=True)
    (workplace / "backup.zip").unlink()
    return workplace / "data"


@pytest.fixture
def backup(prepared: Path, data: Path) -> Path:
    """A backup of all of it beside it."""
    return Path(shutil.copy(prepared / "backup.zip", data.parent / "backup.zip"))


def state(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but the lock, with its content."""
    found = (file for file in folder.rglob("*") if file.is_file() and file.suffix != ".lock")
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in found}


def test_a_bot_moves_to_another_machine(atelier: Atelier, backup: Path, data: Path) -> None:
    there = backup.parent / "there"
    result = atelier("restore", str(backup), "--config", str(there / "config.toml"))
    assert result.code is Exit.FINE, result.err
    assert "The backup has no tokens." in result.out
    restored = state(there / "data")
    assert restored.keys() == state(data).keys()
    assert restored["loras/style.safetensors"] == state(data)["loras/style.safetensors"]
    assert asyncio.run(added_models(there / "data"))["fox"].source == "someone/fox"
    written = (there / "config.toml").read_text()
    assert "batch_size = 3" in written
    assert written.startswith("# Mine.\n")
    if sys.platform != "win32":
        modes = {stat.S_IMODE(file.stat().st_mode) for file in there.rglob("*.*")}
        assert modes <= {0o600, 0o700}


@pytest.mark.parametrize("asked", [False, True])
def test_tokens_are_in_a_backup_only_if_asked_for(
    atelier: Atelier, data: Path, workplace: Path, asked: bool
) -> None:
    atelier("backup", "b.zip", *["--tokens"] * asked)
    with ZipFile(workplace / "b.zip") as archive:
        text = archive.read("config.toml").decode()
    for secret in (TOKEN, HUB_TOKEN, "pass@", "an older one"):
        assert (secret in text) is asked


def test_a_token_that_cannot_be_left_out_alone_stops_the_backup(
    atelier: Atelier, data: Path, config: Callable[[str], Path], workplace: Path
) -> None:
    config(f"discord = {{ token = '{TOKEN}', personal_use = false }}")
    result = atelier("backup", "b.zip")
    assert result.code is Exit.SETTINGS
    assert "Give each a line of its own" in result.err
    assert not list(workplace.glob("b.zip*"))


def test_what_a_killed_backup_has_left_goes_with_the_next_one(
    atelier: Atelier, data: Path, workplace: Path
) -> None:
    partial = "b.zip.0a1b2c3d.partial"
    left = [workplace / f"{partial}{side}" for side in ("", ".db", ".db-journal")]
    for each in left:
        each.write_bytes(b"half")
        os.utime(each, (0, 0))
    assert atelier("backup", "b.zip").code is Exit.FINE
    assert [each.name for each in workplace.glob("b.zip*")] == ["b.zip"]


def test_what_is_there_is_replaced_only_on_demand_and_the_rest_stays(
    atelier: Atelier, data: Path, workplace: Path
) -> None:
    atelier("backup", "b.zip")
    assert atelier("backup", "b.zip").code is Exit.USAGE
    before = state(data)
    (data / DATABASE).write_bytes(b"damaged")
    (data / f"{DATABASE}-wal").write_bytes(b"of the damaged one")
    result = atelier("restore", "b.zip")
    assert result.code is Exit.USAGE
    assert "already has atelier.db. Add --replace" in result.err
    with FileLock(data / "atelier.lock"):
        result = atelier("restore", "b.zip", "--replace")
        assert result.code is Exit.STORAGE
        assert "Another Atelier is already using" in result.err
    assert atelier("restore", "b.zip", "--replace").code is Exit.FINE
    assert asyncio.run(added_models(data)).keys() == {"fox"}
    assert state(data).keys() == before.keys(), "pictures aren't in this backup, and stay"
    assert TOKEN in (workplace / "config.toml").read_text(), "the settings here are kept"


def rewritten(file: Path, changes: dict[str, bytes | None], extra: ZipInfo | None = None) -> None:
    """Write the backup again with other members."""
    with ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()} | changes
    with ZipFile(file, "w") as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(name, content)
        if extra:
            archive.writestr(extra, "elsewhere")


def newer(key: str) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        with ZipFile(file) as archive:
            manifest = json.loads(archive.read("manifest.json"))
        manifest |= {key: 999, "version": "9.9", "folders": ["videos"]}
        rewritten(file, {"manifest.json": json.dumps(manifest).encode(), "videos/1.mp4": b""})

    return change


def said(**values: object) -> Callable[[Path], None]:
    """A backup that says something else of itself."""

    def change(file: Path) -> None:
        with ZipFile(file) as archive:
            manifest = json.loads(archive.read("manifest.json"))
        rewritten(file, {"manifest.json": json.dumps(manifest | values).encode()})

    return change


def patched(old: bytes, new: bytes) -> Callable[[Path], None]:
    """A backup with other bytes in its list of files."""

    def change(file: Path) -> None:
        before, _, after = file.read_bytes().rpartition(old)
        assert before
        data = bytearray(before + new + after)
        if old.startswith(b"loras"):
            data[data.rindex(b"PK\x01\x02", 0, len(before)) + 9] |= 8  # UTF-8
        file.write_bytes(data)

    return change


def schema_of(number: str) -> Callable[[Path], None]:
    """A backup with a database that has nothing but its schema's number."""

    def change(file: Path) -> None:
        database = file.with_name("other.db")
        with contextlib.closing(sqlite3.connect(database)) as made:
            made.executescript(f"CREATE TABLE schema_steps AS SELECT {number} AS number")
        rewritten(file, {DATABASE: database.read_bytes()})
        database.unlink()

    return change


def outside(name: str) -> Callable[[Path], None]:
    """A backup with a member that begins before the file does."""

    def change(file: Path) -> None:
        before, _, after = file.read_bytes().rpartition(name.encode())
        file.write_bytes(before[:-4] + b"\xff\xff\xff\xff" + name.encode() + after)

    return change


def flipped(name: str) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        with ZipFile(file) as archive:
            info = archive.getinfo(name)
        data = bytearray(file.read_bytes())
        data[info.header_offset + 200] ^= 0xFF
        file.write_bytes(data)

    return change


def leading_out(name: str, link: bool = False) -> Callable[[Path], None]:
    info = ZipInfo("placeholder")
    info.filename = name
    info.external_attr = (stat.S_IFLNK if link else stat.S_IFREG) << 16
    return lambda file: rewritten(file, {}, info)


STRANGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "not an archive": (lambda f: f.write_bytes(b"hello"), "isn't a backup of Atelier"),
    "another archive": (lambda f: rewritten(f, {"manifest.json": None}), "isn't a backup"),
    "cut off": (lambda f: f.write_bytes(f.read_bytes()[:-100]), "its end is missing"),
    "without its database": (lambda f: rewritten(f, {DATABASE: None}), "it has no database"),
    "not a database": (lambda f: rewritten(f, {DATABASE: b"x" * 9000}), "its database can't be"),
    "a damaged database": (flipped(DATABASE), "is damaged"),
    "a damaged picture": (flipped("pictures/000/000001-1.png"), "is damaged: 'pictures/000/"),
    "a damaged manifest": (lambda f: rewritten(f, {"manifest.json": b"{"}), "is damaged"),
    "a newer format": (newer("format"), "newer version of Atelier (9.9; this is"),
    "a newer database": (newer("schema_number"), "newer version of Atelier (9.9; this is"),
    "above": (leading_out("../evil"), "doesn't belong in a data folder: '../evil'"),
    "above, from a folder": (leading_out("pictures/../../evil"), "doesn't belong"),
    "from the root": (leading_out("/etc/evil"), "doesn't belong"),
    "a drive": (leading_out("pictures/C:\\evil"), "doesn't belong"),
    "a link": (leading_out("pictures/link", link=True), "doesn't belong"),
    "something else": (leading_out("bot.py"), "doesn't belong"),
    "a folder that it doesn't name": (said(folders=["uploads"]), "doesn't belong"),
    "escape codes": (said(format=999, version="\x1b[2J"), "doesn't say what it is"),
    "a name that isn't text": (patched(b"loras/style", b"loras/\xff\xffyle"), "its end is missing"),
    "a newer kind of archive": (
        patched(b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03\xff"),
        "its end",
    ),
    "a name without a letter": (lambda f: rewritten(f, {"pictures/": b""}), "doesn't belong"),
    "no name": (leading_out(""), "doesn't belong"),
    "a place before the file": (outside("uploads/a.png"), "is damaged: 'uploads/a.png'"),
    "a schema without a number": (schema_of("'newest'"), "its database can't be read"),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_a_file_that_cannot_be_restored_is_told_and_nothing_is_changed(
    atelier: Atelier, backup: Path, data: Path, kind: str
) -> None:
    change, sentence = STRANGE[kind]
    change(backup)
    before = state(backup.parent)
    result = atelier("restore", str(backup), "--replace")
    assert result.code is Exit.BACKUP
    assert sentence in result.err
    assert len(result.err.splitlines()) == 1
    assert result.err.endswith("Nothing was changed.\n")
    assert state(backup.parent) == before
    assert not list(backup.parent.parent.glob("evil"))


def test_a_file_may_be_called_anything(atelier: Atelier, data: Path, workplace: Path) -> None:
    """A backup isn't worth much if a name in it is found to be too odd when it's needed."""
    names = {"loras/《水墨》\u3000风.safetensors", "loras/a \N{ROBOT FACE}\u200d.safetensors"}
    if os.name != "nt":
        names.add('loras/which? "this": 1|2.safetensors')
    for name in names:
        (data / name).write_bytes(b"x")
    assert atelier("backup", "b.zip", "--loras").code is Exit.FINE
    shutil.rmtree(data)
    result = atelier("restore", "b.zip")
    assert result.code is Exit.FINE, result.err
    assert names < state(data).keys()


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
def test_a_name_that_is_not_text_is_told(atelier: Atelier, data: Path, workplace: Path) -> None:
    (data / "loras" / os.fsdecode(b"\xff")).write_bytes(b"x")
    result = atelier("backup", "b.zip", "--loras")
    assert result.code is Exit.OUTPUT
    assert "isn't text. Rename the file." in result.err
    assert not list(workplace.glob("b.zip*"))


@pytest.mark.parametrize("file", ["config.toml/b.zip", "x" * 250, "gone/b.zip"])
def test_a_place_where_no_backup_can_be_is_told(atelier: Atelier, data: Path, file: str) -> None:
    result = atelier("backup", file)
    assert result.code is Exit.OUTPUT
    assert result.err.startswith("✗ The backup can't be made: ")
    assert len(result.err.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="a pipe has no name in a folder there")
def test_what_is_not_a_file_is_not_replaced(atelier: Atelier, data: Path, workplace: Path) -> None:
    os.mkfifo(workplace / "pipe")
    assert "isn't a file" in atelier("backup", "pipe", "--replace").err
    assert (workplace / "pipe").is_fifo()


def test_a_damaged_database_does_not_replace_the_last_backup(
    atelier: Atelier, data: Path, backup: Path
) -> None:
    damaged = bytearray((data / DATABASE).read_bytes())
    damaged[-4096:] = bytes(4096)
    (data / DATABASE).write_bytes(damaged)
    before = backup.read_bytes()
    result = atelier("backup", str(backup), "--replace")
    assert result.code is Exit.STORAGE
    assert "is damaged; keep your last backup" in result.err
    assert backup.read_bytes() == before


@pytest.mark.parametrize(
    "text", ["[discord]\nfoo = 1", "a = " + "[" * 5000, f"a = {'9' * 5000}"], ids=len
)
def test_settings_that_cannot_be_used_are_told(
    atelier: Atelier, backup: Path, data: Path, text: str
) -> None:
    rewritten(backup, {"config.toml": text.encode()})
    there = backup.parent / "there"
    result = atelier("restore", str(backup), "--config", str(there / "config.toml"))
    assert result.code is Exit.SETTINGS
    first, last = result.err.splitlines()
    assert first.startswith(f"✗ {there / 'config.toml'}")
    assert last.endswith("Nothing was changed.")
    assert not there.exists()


def test_what_is_missing_is_told(atelier: Atelier, workplace: Path) -> None:
    result = atelier("backup", "b.zip")
    assert result.code is Exit.STORAGE
    assert "There's nothing to back up" in result.err
    result = atelier("restore", "b.zip")
    assert result.code is Exit.BACKUP
    assert result.err == "✗ b.zip can't be read: No such file or directory.\n"
    assert not list(workplace.iterdir())


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file can be larger than 50 kB, as if the disk were full then."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_no_half_backup(
    atelier: Atelier, data: Path, workplace: Path, request: pytest.FixtureRequest
) -> None:
    before = state(workplace)
    request.getfixturevalue("small_disk")
    result = atelier("backup", "b.zip", "--pictures")
    assert result.code in (Exit.OUTPUT, Exit.STORAGE)
    assert len(result.err.splitlines()) == 1
    assert state(workplace) == before


def test_a_full_disk_leaves_no_half_data_folder(
    atelier: Atelier, backup: Path, data: Path, request: pytest.FixtureRequest
) -> None:
    before = state(backup.parent)
    request.getfixturevalue("small_disk")
    result = atelier("restore", str(backup), "--replace")
    assert result.code is Exit.STORAGE
    assert "can't be written to: File too large. Nothing was changed." in result.err
    assert state(backup.parent) == before


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
    atelier: Atelier, backup: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(".")._replace(free=50_000_000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    result = atelier("restore", str(backup), "--replace")
    assert result.code is Exit.STORAGE
    assert "The backup needs" in result.err


def test_a_move_that_fails_halfway_is_undone(
    atelier: Atelier, backup: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(data)
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if target == data / "uploads" and ".restore-" in str(self):
            raise OSError(28, os.strerror(28))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    result = atelier("restore", str(backup), "--replace")
    assert result.code is Exit.STORAGE
    assert "No space left on device. Nothing was changed." in result.err
    assert state(data) == before


@pytest.mark.parametrize("moves", range(10))
def test_a_move_that_a_power_failure_breaks_off_is_undone_at_the_next_start(
    atelier: Atelier, backup: Path, data: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    shutil.rmtree(data / "uploads")  # there is nothing in its place
    (data / DATABASE).write_bytes(b"as it was")
    before, rename, left = state(data), Path.rename, moves

    def fail(self: Path, target: Path) -> Path:
        nonlocal left
        if left == 0:
            raise SystemExit("the power is gone")
        left -= 1
        return rename(self, target)

    with monkeypatch.context() as failing:
        failing.setattr(Path, "rename", fail)
        failing.setattr(Swap, "clean_up", lambda _: None)
        with contextlib.suppress(SystemExit):
            restore(backup, None, replace=True)
            left = -1
    finish_swaps(data)
    assert not list(data.glob(".*"))
    if left == -1:
        assert asyncio.run(added_models(data)).keys() == {"fox"}
    else:
        assert state(data) == before


@pytest.mark.parametrize("moves", range(11))
def test_ctrl_c_leaves_all_of_it_or_nothing(
    atelier: Atelier, backup: Path, data: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    (data / DATABASE).write_bytes(b"as it was")
    before, rename, left = state(data), Path.rename, moves

    def interrupt(self: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left == -1:
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as interrupting, contextlib.suppress(KeyboardInterrupt):
        interrupting.setattr(Path, "rename", interrupt)
        restore(backup, None, replace=True)
    assert not list(data.glob(".*"))
    assert (left < 0 and state(data) == before) or asyncio.run(added_models(data)).keys() == {"fox"}


def test_what_cannot_be_moved_back_is_kept_until_it_can(
    atelier: Atelier, backup: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, rename = state(data), Path.rename

    def fail(self: Path, target: Path) -> Path:
        if target == data / "loras":  # neither to its place nor back
            raise OSError(5, os.strerror(5))
        return rename(self, target)

    with monkeypatch.context() as failing:
        failing.setattr(Path, "rename", fail)
        result = atelier("restore", str(backup), "--replace")
        assert result.code is Exit.STORAGE
        assert "Nothing is lost: what was there is in" in result.err
        assert len(result.err.splitlines()) == 1
    assert atelier("models", "list").code is Exit.FINE, "any command puts it back"
    assert state(data) == before


def test_no_command_reads_a_folder_that_is_being_restored(
    atelier: Atelier, data: Path, workplace: Path
) -> None:
    (data / ".replaced-1").mkdir()
    with FileLock(data / "atelier.lock"):
        assert "already using the folder" in atelier("backup", "b.zip").err
    assert atelier("backup", "b.zip").code is Exit.FINE


@pytest.mark.skipif(os.name == "nt", reason="links take a right there")
def test_a_folder_that_is_a_link_stays_one_when_a_restore_is_undone(
    atelier: Atelier, backup: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "pictures").rename(data.parent / "elsewhere")
    (data / "pictures").symlink_to(Path("..") / "elsewhere")
    before, rename = state(data.parent), Path.rename

    def fail(self: Path, target: Path) -> Path:
        if target == data / "uploads" and ".restore-" in str(self):
            raise OSError(28, os.strerror(28))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    assert atelier("restore", str(backup), "--replace").code is Exit.STORAGE
    assert state(data.parent) == before
    assert (data / "pictures").is_symlink()


STUCK = """
import sys, time
from pathlib import Path
import cli.backup.restore, cli.backup.write
from bot import main

def wait(*_):
    print("here", flush=True)
    time.sleep(60)

cli.backup.write._write = cli.backup.restore._check_database = wait
main(sys.argv[1:])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process at once")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("line", ["backup b.zip", "restore backup.zip --replace"])
def test_who_is_asked_to_end_leaves_nothing_behind(
    backup: Path, data: Path, workplace: Path, number: signal.Signals, line: str
) -> None:
    before = state(workplace)
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK, *line.split()],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"here\n"
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert state(workplace) == before


def test_data_says_what_takes_how_much(atelier: Atelier, data: Path) -> None:
    (data / "notes.txt").write_text("x" * 10)
    lines = {line.split("  ")[0]: line for line in atelier("data").out.splitlines()}
    assert lines["pictures"].split()[1:4] == ["25", "kB", "1"]
    assert lines["start images and masks"].split()[4:7] == ["13", "kB", "1"]
    assert "23 kB" in lines["LoRAs and embeddings"]
    assert "10 B" in lines["other files there"]
