"""What `init` finds of the machine, and which models it offers for it."""

import re
import sys

import pytest
import typer

from cli import torch_builds
from cli.cards import Card
from cli.init import device as device_step
from cli.init import model as model_step
from cli.init.answers import Answers
from cli.init.device import choose_device
from cli.init.model import choose_model
from engine import DeviceFacts, EngineSettings
from engine.models import device_facts
from engine.models.suggestions import suggest_models


@pytest.mark.parametrize(
    ("vram", "ram", "first"),
    [
        (24e9, 60e9, "Tongyi-MAI/Z-Image-Turbo"),
        (12e9, 12e9, "SG161222/RealVisXL_V5.0_Lightning"),
        (6e9, 12e9, "Lykon/dreamshaper-8"),
        (1e9, 12e9, None),
        (24e9, 1e9, None),
    ],
)
def test_the_best_models_that_fit_are_suggested(vram: float, ram: float, first: str | None) -> None:
    card = DeviceFacts.imagined(int(vram), ram_free_bytes=int(ram))
    found = suggest_models(card, EngineSettings(), free_disk=int(100e9))
    assert (found[0].source if found else None) == first
    assert all(each.licence and each.ram_bytes <= ram for each in found)
    assert all(0 < each.download_bytes <= each.disk_bytes and each.plan for each in found)
    assert suggest_models(card, EngineSettings(), free_disk=int(1e9)) == []


def test_an_offer_says_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card = DeviceFacts.imagined(int(8e9), ram_free_bytes=int(30e9))
    monkeypatch.setattr(device_facts, "device_facts", lambda _: card)
    monkeypatch.setattr(model_step, "free_bytes", lambda: int(200e9))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "prompt", lambda question, default, **_: default)
    [first, *_] = suggest_models(card, EngineSettings(), int(200e9))
    assert choose_model(Answers(), "auto") == first.source
    shown = capsys.readouterr().out
    assert f" 1  {first.description}\n" in shown
    assert re.search(r"\d GB to download · [\d.]+ GB of RAM · about \d+ s a picture\n", shown)
    assert f"    {first.plan}\n    {first.licence}\n" in shown


def test_several_cards_are_shown_and_all_are_offered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cards = {"cuda:0": "NVIDIA RTX 3060", "cuda:1": "NVIDIA RTX 3090"}
    monkeypatch.setattr(device_step, "_several", lambda: cards)
    assert choose_device(Answers(yes=True)) == "auto"
    assert choose_device(Answers(device="cpu")) == "cpu"
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "prompt", lambda question, default, **_: default)
    assert choose_device(Answers()) == "cuda:0,cuda:1"
    assert "  cuda:1  NVIDIA RTX 3090\n" in capsys.readouterr().out


def test_a_card_that_torch_cannot_use_is_told_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch_builds, "cards", lambda: [Card("cuda", "NVIDIA RTX 3060", 8.6)])
    monkeypatch.setattr(torch_builds, "build_of", lambda _: "cpu")
    assert choose_device(Answers(yes=True)) == "auto"
    shown = capsys.readouterr().out
    assert "NVIDIA RTX 3060 is here, but torch" in shown
    assert "--index-url https://download.pytorch.org/whl/cu128" in shown

    def refuse(question: str, *, default: bool, abort: bool) -> None:
        assert "Go on without that card" in question
        assert default
        assert abort
        raise typer.Abort

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", refuse)
    with pytest.raises(typer.Abort):
        choose_device(Answers())
