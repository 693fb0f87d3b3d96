"""Processes that end in time, and what they show until then."""

import sys
import textwrap
import time

import psutil
import pytest

from benchmarks.processes import run_python

pytestmark = pytest.mark.slow

CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, "一", flush=True)
"""
"""Starts a process that has its output, too, and tells its number."""


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)


def test_what_takes_too_long_ends_with_all_that_it_started() -> None:
    begun = time.monotonic()
    ended = run_python(["-c", f"{CHILD}time.sleep(60)"], 1)
    pid, text = ended.output.split()
    assert (ended.code, text) == (None, "一")
    assert not is_alive(int(pid))
    assert time.monotonic() - begun < 15


def test_what_a_child_left_behind_holds_is_not_waited_for() -> None:
    ended = run_python(["-c", f"{CHILD}sys.exit('no card')"], 30)
    assert (ended.code, ended.errors) == (1, "no card\n")
    psutil.Process(int(ended.output.split()[0])).kill()


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("rows.append(2)", 0, "[1, 2]"),
        ("raise ValueError('broken')", 1, "[1]"),
        ("time.sleep(60)", 0, "[1]\nStopped after 1 seconds."),
    ],
)
def test_what_was_measured_is_shown_once_however_it_ends(body: str, code: int, said: str) -> None:
    program = f"""
        {textwrap.indent(CHILD, " " * 8).strip()}
        from benchmarks.time_limit import shown
        rows = [1]
        with shown(lambda: print(rows), 1):
            {body}
        child.kill()
    """
    ended = run_python(["-c", textwrap.dedent(program)], 30)
    first, _, rest = ended.output.partition("\n")
    assert (ended.code, rest.strip()) == (code, said), ended.errors
    pid = int(first.split()[0])
    if code:
        psutil.Process(pid).kill()
    assert not is_alive(pid) or code


def test_it_is_this_python() -> None:
    assert run_python(["-c", "import sys; print(sys.executable)"], 30).output.strip() == (
        sys.executable
    )
