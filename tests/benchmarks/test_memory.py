"""The benchmark of small cards, with tiny weights and in this process."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch
from diffusers import AutoencoderKL, FluxPipeline
from safetensors.torch import load_file
from transformers import T5EncoderModel
from typer import BadParameter, Typer
from typer.testing import CliRunner

from benchmarks import memory, memory_run
from benchmarks.memory_models import ARCHITECTURES, prepare
from benchmarks.memory_plain import Run
from benchmarks.memory_run import run
from benchmarks.memory_sizes import ROWS, SIZES, rows_of
from benchmarks.memory_table import HEADINGS, markdown
from benchmarks.memory_task import (
    BEFORE_DECODING,
    DECODING,
    LOADING,
    OPTIONS,
    OURS,
    RUNGS,
    Result,
    Task,
    hopeless,
)
from benchmarks.memory_weights import write_pipeline
from engine.memory.device import CONTEXT_BYTES
from engine.sizes import parse_bytes
from tests.card import Card, plugged_in
from tests.card.painting import Painting, observed

from .weights import TINY

GB = 10**9


def a_task(folder: Path | str = "nowhere", **changes: Any) -> Task:
    values: dict[str, Any] = {
        "model": "flux",
        "folder": str(folder),
        "rung": "best",
        "way": OURS,
        "vram_bytes": 8 * GB,
        "side": 64,
        "steps": 2,
        "guidance": 0.0,
        "dtype": "bfloat16",
        "count": 2,
        "device": "cpu",
    }
    return Task(**values | changes)


@pytest.fixture(scope="module")
def flux(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return TINY["flux"](tmp_path_factory.mktemp("weights") / "flux")


def in_this_process(module: str, *arguments: str) -> str:
    """Stands where a process of its own stands otherwise, and does the same."""
    assert module == "benchmarks.memory_run"
    return run(Task.from_json(*arguments)).to_json()


def weights_in(folder: Path) -> dict[str, float]:
    """The sum of each tensor in the files of `folder`, by name."""
    return {
        name: tensor.sum().item()
        for file in folder.glob("*.safetensors")
        for name, tensor in load_file(file).items()
    }


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("sd15", {"unet": 860, "text_encoder": 123, "vae": 84}),
        ("sdxl", {"unet": 2567, "text_encoder": 123, "text_encoder_2": 695, "vae": 84}),
        ("flux", {"transformer": 11891, "text_encoder": 123, "text_encoder_2": 4762, "vae": 84}),
        ("z-image", {"transformer": 6155, "text_encoder": 4022, "vae": 84}),
    ],
)
def test_architectures_are_of_full_size(
    name: str, millions: dict[str, int], tmp_path: Path
) -> None:
    with torch.device("meta"):
        pipe = ARCHITECTURES[name](tmp_path)
    counted = {
        part: round(sum(p.numel() for p in module.parameters()) / 1e6)
        for part, module in pipe.components.items()
        if isinstance(module, torch.nn.Module)
    }
    assert counted == millions
    assert SIZES[name].parameters == sum(counted.values())


def test_weights_that_are_there_stay(flux: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in flux.rglob("*")}

    assert prepare("flux", flux) == flux
    assert {file: file.stat().st_mtime_ns for file in flux.rglob("*")} == before


def test_weights_are_written_in_shards_that_both_houses_load(flux: Path, tmp_path: Path) -> None:
    pipe = FluxPipeline.from_pretrained(flux)

    folder = write_pipeline(pipe, tmp_path / "random", torch.bfloat16, shard_bytes=5_000)

    loaded = FluxPipeline.from_pretrained(folder, dtype=torch.bfloat16)
    for name in ("text_encoder", "text_encoder_2", "transformer", "vae"):
        part = getattr(loaded, name)
        assert len(list((folder / name).glob("*-of-*.safetensors"))) > 1
        assert weights_in(folder / name) == {n: p.sum().item() for n, p in part.named_parameters()}
    for way in (OURS, "to"):
        result = run(a_task(folder, way=way))
        assert (result.outcome, len(result.seconds)) == ("painted", 2), result.note
        assert result.load_seconds > 0
        assert result.allocated_bytes is None, "nobody counts on a CPU"


@pytest.mark.parametrize("name", [name for name in SIZES if name != "flux"])
def test_every_architecture_runs_both_ways(name: str, tmp_path: Path) -> None:
    folder = TINY[name](tmp_path / name)
    base = a_task(folder, model=name, guidance=SIZES[name].guidance, count=1)

    results = list(memory.results_of(base, (OURS, "to"), in_this_process))

    assert [(r.task.way, r.outcome) for r in results] == [(OURS, "painted"), ("to", "painted")]


def test_diffusers_options_are_tried_until_one_paints(flux: Path) -> None:
    small = a_task(flux, vram_bytes=CONTEXT_BYTES + 1000, count=1)

    results = list(memory.results_of(small, OPTIONS, in_this_process))

    assert [r.outcome for r in results] == ["not tried"] * 4 + ["painted"]
    assert results[-1].task.way == "group offload by block"


def test_every_option_is_tried_if_wanted(flux: Path) -> None:
    results = memory.results_of(a_task(flux, count=1), OPTIONS[:2], in_this_process, every=True)

    assert [r.outcome for r in results] == ["painted", "painted"]


def test_a_second_start_knows_what_was_measured(flux: Path) -> None:
    result = run(a_task(flux, learned=True, count=1))

    assert (result.outcome, len(result.seconds)) == ("painted", 1), result.note


@pytest.mark.parametrize(
    ("where", "tiled"),
    [(LOADING, "not tried"), (BEFORE_DECODING, "not tried"), (DECODING, "out of memory")],
)
def test_tiles_are_tried_only_where_decoding_was_too_much(where: str, tiled: str) -> None:
    def full(module: str, text: str) -> str:
        return Result(task=Task.from_json(text), outcome="out of memory", note=where).to_json()

    results = memory.results_of(a_task(vram_bytes=None), OPTIONS[:3], full)

    assert [r.outcome for r in results] == ["out of memory", tiled, "out of memory"]


@pytest.mark.parametrize(
    ("component", "where"), [("text_encoder_2", BEFORE_DECODING), ("vae", DECODING)]
)
def test_plain_diffusers_tells_where_it_ran_out_of_memory(
    flux: Path, component: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    kind = {"text_encoder_2": T5EncoderModel, "vae": AutoencoderKL}[component]
    monkeypatch.setattr(kind, "decode" if component == "vae" else "forward", full)

    result = run(a_task(flux, way="to", count=1))

    assert (result.outcome, result.note, result.seconds) == ("out of memory", where, [])


def test_hopeless_is_what_has_more_weights_than_the_card_or_ram(tmp_path: Path) -> None:
    for name, size in (("unet", 3000), ("vae", 1000)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(bytes(size))
    task = a_task(tmp_path, way="to, tiled", vram_bytes=CONTEXT_BYTES + 3500)

    assert hopeless(task) == "0.0 GB of weights at once"
    assert hopeless(replace(task, way="model offload")) is None
    assert hopeless(replace(task, way="model offload", dtype="float32")) is not None
    assert hopeless(replace(task, way=OURS)) is None
    whole = replace(task, vram_bytes=None)
    assert hopeless(whole) is None
    assert hopeless(whole, card_bytes=3500) == "0.0 GB of weights at once"
    sequential = replace(whole, way="sequential offload")
    assert hopeless(sequential, 3500, ram_bytes=4000) is None
    assert hopeless(sequential, 3500, ram_bytes=3999) is not None, "all weights go through RAM"


def test_the_table_compares_with_the_fastest_of_diffusers() -> None:
    ours = Result(
        task=a_task(),
        outcome="painted",
        note="bfloat16·transformer streams 5.12",
        load_seconds=3.0,
        seconds=[9.0, 2.0, 4.0, 2.0],
        allocated_bytes=2**30,
        reserved_bytes=3 * 2**29,
    )
    lost = Result(task=replace(ours.task, way="to"), outcome="out of memory")
    slow = Result(task=replace(ours.task, way="model offload"), outcome="painted", seconds=[9, 8])
    fast = Result(task=replace(ours.task, way="to, tiled"), outcome="painted", seconds=[5, 5])

    lines = markdown([lost, slow, fast, ours]).splitlines()

    model = "FLUX.1 schnell 64², 2 steps | 8 GB | best"
    assert [line.count("|") for line in lines] == [len(HEADINGS) + 1] * 6
    assert lines[2] == (
        f"| {model} | Atelier (bfloat16·transformer streams 5.12) "
        "| 1024 | 1536 | 3.00 | 9.00 | 2.00 | 2.50 |"
    )
    assert lines[3] == f"| {model} | to: out of memory | — | — | — | — | — | — |"


def test_the_table_is_printed_from_a_file_of_results(tmp_path: Path) -> None:
    results = [
        Result(task=a_task(), outcome="painted", seconds=[2.0, 1.0]),
        Result(task=a_task(way="to"), outcome="failed", note="exit code 1"),
    ]
    file = tmp_path / "results.jsonl"
    file.write_text("".join(f"{result.to_json()}\n" for result in results))
    app = Typer()
    app.command()(memory.main)

    shown = CliRunner().invoke(app, ["table", "--out", str(file)])

    assert shown.output == f"{markdown(results)}\n"


def test_every_row_names_a_rung() -> None:
    assert set(ROWS) == set(SIZES) == set(ARCHITECTURES) == set(TINY)
    assert {rung for rows in ROWS.values() for rung, _ in rows} == set(RUNGS)
    assert {way for rung in RUNGS.values() for way in rung.plain} == set(OPTIONS)


@pytest.mark.parametrize("gb", [6, 8, 12, 24, 141])
@pytest.mark.parametrize("name", SIZES)
def test_a_card_stands_in_for_smaller_ones_only(name: str, gb: int) -> None:
    rows = rows_of(name, gb * GB)
    assert rows[0] == ("best", None), "this card itself comes first"
    assert all(parse_bytes(card) < gb * GB for _, card in rows if card is not None)
    assert rows_of(name, None) == [("best", None)]


def test_a_child_process_gives_its_last_line_and_its_failures_are_told() -> None:
    child = memory.child(30)
    assert child("calendar", "2026", "11").split()[-1] == "30"
    with pytest.raises(memory.ChildFailed, match=r"exit code 2: .*no year"):
        child("calendar", "no year")
    with pytest.raises(memory.TooSlow, match="took more than 0 s"):
        memory.child(0.01)("calendar")
    with pytest.raises(memory.NoTime):
        memory.child(30, time.monotonic() + 4)("calendar")


def test_what_is_too_slow_is_a_result_and_slower_ways_are_not_tried() -> None:
    def slow(module: str, text: str) -> str:
        raise memory.TooSlow("took more than 60 s")

    def no_time(module: str, text: str) -> str:
        raise memory.NoTime("no time was left")

    results = list(memory.results_of(a_task(), (OURS, *OPTIONS), slow))
    assert [(r.task.way, r.outcome) for r in results] == [(OURS, "too slow"), ("to", "too slow")]
    [result] = memory.results_of(a_task(), (OURS, *OPTIONS), no_time)
    assert (result.outcome, result.note) == ("not tried", "no time was left")


def test_a_model_without_room_in_ram_or_on_disk_is_not_measured(
    flux: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ram = SimpleNamespace(available=8 * GB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: ram)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5 * GB))
    here = tmp_path / "not" / "there"
    assert memory.why_not("sd15", here, "cuda") is None
    assert memory.why_not("sdxl", here, "cuda") == (
        "its weights need 6.9 GB on disk, 5.0 GB are free"
    )
    assert memory.why_not("z-image", here, "cuda") == (
        "its weights need 20.5 GB of RAM, 8.0 GB are free"
    )
    ram.available = 40 * GB
    assert memory.why_not("flux", flux, "cuda") is None, "they are written already"
    assert memory.why_not("flux", flux, "cpu") is not None, "in float32"


@pytest.fixture
def card() -> Iterator[Card]:
    """A card that is not there."""
    with plugged_in(Card(2 * GB)) as card, observed(card, Painting()):
        yield card


@pytest.mark.parametrize("vram_bytes", [None, GB, 24 * GB])
def test_a_card_counts_what_was_planned_by_stage(
    flux: Path, card: Card, vram_bytes: int | None
) -> None:
    """More than the card has can't be stood in for; torch would refuse such a share of it."""
    result = run(a_task(flux, device="cuda", vram_bytes=vram_bytes, count=1))
    assert result.outcome == "painted", result.note
    assert set(result.stages) == {"encode", "step", "decode"}
    assert all(counted > 0 and planned > 0 for planned, counted in result.stages.values())
    assert card.allocator.limit == min(vram_bytes or 2 * GB, 2 * GB) - CONTEXT_BYTES
    lines = markdown([result, Result(task=result.task, outcome="failed", note="a|b")]).splitlines()
    assert "a/b" in lines[3]
    assert lines[5].count("planned, counted") == 3
    assert [line.count("|") for line in lines[5:]] == [7] * 3


@pytest.mark.parametrize("vram_bytes", [None, GB, 24 * GB])
def test_plain_diffusers_may_take_as_much_as_we_may(
    card: Card, monkeypatch: pytest.MonkeyPatch, vram_bytes: int | None
) -> None:
    limits = []

    def paint(task: Task, device: torch.device) -> Run:
        limits.append(card.allocator.limit)
        return "painted", "", 1.0, [1.0]

    monkeypatch.setattr(memory_run, "plain", paint)
    run(a_task(device="cuda", way="to", vram_bytes=vram_bytes))
    assert limits == [min(vram_bytes or 2 * GB, 2 * GB) - CONTEXT_BYTES]


def test_what_could_not_be_measured_is_said_below_the_table(
    flux: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(module: str, *arguments: str) -> str:
        if module == "benchmarks.memory_models" and arguments[0] != "flux":
            raise memory.ChildFailed("exit code 1: No space left on device")
        if module == "benchmarks.memory_models":
            return ""
        return Result(task=Task.from_json(*arguments), outcome="painted").to_json()

    monkeypatch.setattr(memory, "child", lambda *_: run)
    monkeypatch.setattr(memory, "why_not", lambda *_: None)
    memory.main("all", folder=flux.parent, card_bytes=10 * GB)
    table, *sentences = capsys.readouterr().out.strip().split("\n\n")
    assert len(table.splitlines()) == 2 + 2 * len(rows_of("flux", 10 * GB))
    assert len(sentences) == len(SIZES) - 1
    assert sentences[0] == (
        "SD 1.5 wasn't measured: its weights weren't written "
        "(exit code 1: No space left on device)."
    )
    with pytest.raises(BadParameter, match=r"this card has 10\.0 GB"):
        memory.main("sd15", vram="24GB", card_bytes=10 * GB)
    with pytest.raises(BadParameter, match="isn't a memory size"):
        memory.main("sd15", vram="big", card_bytes=10 * GB)
