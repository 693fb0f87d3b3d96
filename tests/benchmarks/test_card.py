"""The benchmark that runs all of them into a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import typer

from benchmarks import card
from benchmarks.card import PARTS, Part, section
from benchmarks.machine import Machine, NoAnswer
from benchmarks.processes import Ended


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine("cuda", 8 * 10**9, ("RTX 4060, driver 591.44", "torch 2.13"))
    monkeypatch.setattr(Machine, "ask", lambda device: machine)


@pytest.mark.slow
def test_a_part_that_hangs_or_breaks_says_so_in_its_section(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(card, "ENDING", 0)
    broken = section("Burst", ("benchmarks.none",), 60, {})
    assert "Exit code 1" in broken
    assert "No module named" in broken
    waits = "import time; print('half a table ²', flush=True); time.sleep(60)"
    text = section("Burst", ("timeit", "-n", "1", waits), 2, {})
    assert text.startswith("## Burst\n\n```text\n$ python -m timeit -n 1 import time;")
    assert "half a table ²\n```\n\nCut off after 2 seconds." in text


@pytest.mark.usefixtures("asked")
def test_each_part_has_a_share_and_is_written_at_once_and_nothing_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[tuple[Sequence[str], float]] = []
    kept: list[list[str]] = []

    def run(words: Sequence[str], seconds: float, variables: Mapping[str, str]) -> Ended:
        calls.append((words, seconds))
        weights = Path(variables["TMPDIR"]) / card.WEIGHTS
        model = part_of(words).model
        kept.append([folder.name for folder in weights.glob("*")])
        if model:
            (weights / model).mkdir(parents=True, exist_ok=True)
        if model == "flux":
            raise KeyboardInterrupt
        return Ended(0, "| a table |", "")

    def part_of(words: Sequence[str]) -> Part:
        return next(
            part for part in PARTS if list(part.command) == words[1 : len(part.command) + 1]
        )

    monkeypatch.setattr(card, "run_python", run)
    out = tmp_path / "card.md"
    with pytest.raises(KeyboardInterrupt):
        card.main(out, minutes=10, vram="6GB")
    text = out.read_text("utf-8")
    assert "RTX 4060, driver 591.44" in text
    assert text.count("\n## ") == text.count("a table") == len(calls) - 1
    assert list(tmp_path.iterdir()) == [out]
    assert kept == [[], [], ["sd15"], [], ["sdxl"], [], [], []], "only what is still needed"
    plans = [words for words, _ in calls if words[1] == "benchmarks.memory"]
    assert all(words[words.index("--vram") + 1] == "6GB" for words in plans)
    assert all(words[words.index("--card-bytes") + 1] == "8000000000" for words in plans)
    shares = [part.share for part in PARTS]
    assert calls[0][1] == pytest.approx(600 * shares[0] / sum(shares), abs=1)
    assert calls[1][1] == pytest.approx(600 * shares[1] / sum(shares[1:]), abs=1), "what was left"


def test_without_a_card_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Machine, "ask", lambda device: Machine("cpu", None, ()))
    with pytest.raises(typer.BadParameter, match="no card"):
        card.main(tmp_path / "card.md")

    def silent(device: str) -> Machine:
        raise NoAnswer("torch found 0 such devices")

    monkeypatch.setattr(Machine, "ask", silent)
    with pytest.raises(typer.BadParameter, match="0 such devices"):
        card.main(tmp_path / "card.md", device="cuda:7")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("asked")
def test_what_has_no_time_left_is_not_begun(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(card, "run_python", pytest.fail)
    card.main(tmp_path / "card.md", minutes=0.1)
    text = (tmp_path / "card.md").read_text("utf-8")
    assert text.count("too little time") == len(PARTS)


def test_the_shares_are_those_of_ten_minutes() -> None:
    assert sum(part.share for part in PARTS) == 600
