"""A card that torch can't use is found without torch, and told with what to type."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from cli import cards as module
from cli.cards import Card, Kind, cards
from cli.torch_builds import INDEX, INDEXES, install_lines, requirement, unused_cards
from tests.pages import Page, code, rows

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its tools are shell scripts")

Tool = Callable[[str, str], None]


@pytest.fixture
def tool(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """Put a tool in place of the system's, of which there is none; and a bus without cards."""
    programs = workplace / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(module, "PCI", workplace / "pci")

    def write(name: str, script: str) -> None:
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o700)

    return write


def plug(vendor: str, slot: str = "0000:01:00.0", kind: str = "0x030000") -> None:
    device = module.PCI / slot
    device.mkdir(parents=True)
    (device / "vendor").write_text(f"{vendor}\n")
    (device / "class").write_text(f"{kind}\n")


def test_a_machine_without_cards_has_none(tool: Tool) -> None:
    assert cards() == []
    plug("0x8086")  # the graphics of a processor
    plug("0x10de", "0000:01:00.1", "0x040300")  # a card's sound
    assert cards() == []


def test_nvidia_is_asked_by_its_own_tool(tool: Tool) -> None:
    plug("0x10de")
    tool("nvidia-smi", "echo 'NVIDIA GeForce RTX 3060, 8.6'; echo 'NVIDIA GeForce GTX 1080, 6.1'")
    assert cards() == [
        Card("cuda", "NVIDIA GeForce RTX 3060", 8.6),
        Card("cuda", "NVIDIA GeForce GTX 1080", 6.1),
    ]


def test_an_old_driver_does_not_tell_the_capability(tool: Tool) -> None:
    tool("nvidia-smi", 'case "$1" in *compute_cap*) exit 2;; esac; echo Tesla K80')
    assert cards() == [Card("cuda", "Tesla K80")]


def test_a_driver_that_does_not_work_is_told(tool: Tool) -> None:
    tool(
        "nvidia-smi", "echo 'NVIDIA-SMI has failed because it could not talk to the driver'; exit 9"
    )
    [card] = cards()
    assert card.problem.startswith("NVIDIA-SMI has failed")


def test_others_are_found_on_the_bus_with_or_without_their_names(tool: Tool) -> None:
    plug("0x1002")
    plug("0x10de", "0000:02:00.0", "0x030200")
    assert [card.kind for card in cards()] == ["cuda", "rocm"]
    tool(
        "lspci",
        'case "$3" in\n'
        '0000:01*) echo \'01:00.0 "VGA" "AMD" "Navi 31 [Radeon RX 7900 XT]" -rc8\';;\n'
        '0000:03*) echo \'03:00.0 "VGA" "Intel" "DG2 [Arc A770]" -r08\';;\nesac',
    )
    plug("0x8086", "0000:03:00.0")
    named = {card.kind: card.name for card in cards()}
    assert named["rocm"] == "AMD Navi 31 [Radeon RX 7900 XT]"
    assert named["xpu"] == "Intel DG2 [Arc A770]"


def torch_of(build: str, found: int = 0) -> Any:
    """A torch that was built for something and finds so many cards."""
    there = dict.fromkeys(("cuda", "hip", "xpu"))
    there[{"rocm": "hip"}.get(build, build)] = "1.0"
    return SimpleNamespace(
        __version__="2.13.0",
        version=SimpleNamespace(**there),
        cuda=SimpleNamespace(device_count=lambda: found),
        xpu=SimpleNamespace(device_count=lambda: 0),
        backends=SimpleNamespace(
            mps=SimpleNamespace(is_built=lambda: build == "mps", is_available=lambda: False)
        ),
    )


@pytest.mark.parametrize(
    ("card", "build", "reason", "advice"),
    [
        (Card("cuda", "A", 8.6), "cpu", "it was built for the CPU.", "whl/cu128"),
        (Card("cuda", "A", 6.1), "cpu", "it was built for the CPU.", "whl/cu126"),
        (Card("cuda", "A", 8.6), "rocm", "it was built for ROCm.", "whl/cu128"),
        (Card("cuda", "A", 8.6), "cuda", "missing or too old.", "nvidia.com/drivers"),
        (Card("cuda", "A", problem="no"), "cuda", "can't use it: no.", "nvidia.com/drivers"),
        (Card("cuda", "A", problem="no"), "cpu", "for the CPU, and no.", "whl/cu128"),
        (Card("rocm", "A"), "cuda", "it was built for CUDA.", "whl/rocm6.4"),
        (Card("rocm", "A"), "rocm", "missing or too old.", "usermod -aG render,video"),
        (Card("xpu", "A"), "cpu", "it was built for the CPU.", "whl/xpu"),
        (Card("mps", "A"), "mps", "missing or too old.", "macOS 14"),
    ],
)
def test_the_reason_and_the_remedy_are_those_of_the_card(
    monkeypatch: pytest.MonkeyPatch, card: Card, build: str, reason: str, advice: str
) -> None:
    monkeypatch.setattr("cli.torch_builds.cards", lambda: [card])
    [finding] = unused_cards(torch_of(build))
    assert finding.text.startswith("A is here, but torch 2.13.0 can't use it: ")
    assert finding.text.endswith(reason)
    assert advice in finding.advice
    assert list(unused_cards(torch_of(build, found=1))) == [], "it uses one"


def test_windows_has_no_build_for_amd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert install_lines(Card("rocm", "A")) == []
    assert install_lines(Card("cuda", "A"))


def test_the_manual_has_the_same_lines() -> None:
    section = Page(Path("docs", "owners.md")).section("Torch for your card")
    stated = [next(iter(code(line))) for _, line in rows(section)]
    versions = set(requirement().removeprefix("torch").split(","))
    for line, index in zip(stated, INDEXES.values(), strict=True):
        quoted, _, source = line.removeprefix('pip install "torch').partition('"')
        assert {*quoted.split(",")} == versions
        assert source == (f" --index-url {INDEX}{index}" if index else "")


def test_pip_is_the_one_of_this_environment() -> None:
    for kind in get_args(Kind):
        remove, install = install_lines(Card(kind, "A"))
        assert remove == f"{sys.executable} -m pip uninstall -y torch"
        assert install.startswith(f'{sys.executable} -m pip install "torch')
