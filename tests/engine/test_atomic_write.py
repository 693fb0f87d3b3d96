"""What a killed process leaves of a file goes with the next one; what is being written stays."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.atomic_write import unfinished, write_whole

WRITES = """
import sys, time
from pathlib import Path
from engine.atomic_write import unfinished
with unfinished(Path(sys.argv[1]), ".db") as stream:
    Path(stream.name + ".db").write_bytes(b"beside it")
    stream.write(b"half")
    stream.flush()
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")
def test_what_a_killed_process_has_left_goes_with_the_next_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.atomic_write.MOMENT", 0.0)
    file = tmp_path / "backup.zip"
    foreign = [tmp_path / f"{name}.partial" for name in ("backup.zip", "other.0a1b2c3d")]
    for each in foreign:
        each.write_bytes(b"another program's")
    command = [sys.executable, "-c", WRITES, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        left = {*tmp_path.iterdir()} - {*foreign}
        assert len(left) == 2
        write_whole(file, b"whole")
        assert {*tmp_path.iterdir()} == left | {*foreign, file}, "it is being written"
        os.kill(process.pid, signal.SIGKILL)
    write_whole(file, b"another")  # without what stands beside it
    assert not [each for each in left if each.suffix == ".partial" and each.exists()]


def test_what_stands_beside_goes_too_and_nothing_stays_of_what_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.atomic_write.MOMENT", 0.0)
    file, left = tmp_path / "backup.zip", tmp_path / "backup.zip.0a1b2c3d.partial"
    left.write_bytes(b"half")
    left.with_name(f"{left.name}.db").write_bytes(b"half")

    def fail() -> None:
        with unfinished(file, ".db") as stream:
            Path(stream.name + ".db").write_bytes(b"half")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert not [*tmp_path.iterdir()]


def test_what_was_changed_just_now_stays(tmp_path: Path) -> None:
    """Its process may be about to lock it, or to give it its name."""
    young = tmp_path / "a.png.0a1b2c3d.partial"
    young.write_bytes(b"half")
    write_whole(tmp_path / "a.png", b"whole")
    assert young.exists()
