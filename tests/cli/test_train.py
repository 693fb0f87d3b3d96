"""`train`: from a folder of pictures to a LoRA that paints."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from cli.exits import Exit
from cli.settings import Settings
from cli.training.options import TrainOptions, name_of, request_of
from cli.training.train import measured_steps
from engine.memory.measurement import Measurement
from engine.memory.plan import Stage
from engine.models.added import DATABASE
from engine.models.catalogue import SKETCH_FOLDER, Catalogue
from engine.models.checkpoints import CHECKPOINTS
from engine.store import Database, MeasurementTable
from tests.cli.conftest import Atelier
from tests.engine.diffusion.families.unet_pipelines import photo

BOT = Path(__file__).parents[2] / "bot.py"
FAKE_TRAINER = Path(__file__).parents[1] / "engine" / "training" / "fake_trainer.py"
QUICK = ("--base", "sketch", "--rank", "2", "--batch", "1", "--sample", "zork")


@pytest.fixture
def pictures(workplace: Path) -> Path:
    """A folder with pictures that differ."""
    folder = workplace / "zork"
    folder.mkdir()
    for number in range(6):
        photo(128, 128).rotate(15 * number).resize((128 + 8 * number, 128)).save(
            folder / f"{number}.png"
        )
    (folder / "0.txt").write_text("zork in a meadow")
    return folder


@pytest.mark.slow
def test_the_plan_is_shown_and_nothing_is_written(
    atelier: Atelier, pictures: Path, workplace: Path
) -> None:
    result = atelier("train", str(pictures), *QUICK, "--steps", "7", "--plan")
    assert result.code is Exit.FINE, result.err
    assert "zork: a subject on sketch" in result.out
    assert "7, of 1 picture each, at 128 × 128 pixels" in result.out
    assert not (workplace / "data" / "training").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("empty",), "There are no pictures in"),
        (("zork", "--base", "nothing"), "There's no model “nothing”."),
        (("zork", "--kind", "person"), "Kinds are subject, style, concept"),
        (("zork", "--learning-rate", "nan"), "The learning rate must be between 1e-07 and 1,"),
        (("zork", "--size", "8192"), "The size must be between"),
        (("zork", "--trigger", "z" * 201), "The trigger word must have 1 to 200 characters."),
        (("zork", "--optimizer", "sgd"), "optimizers are adamw"),
        (("zork", "--name", "../up"), "“../up” isn't a valid name."),
        (("zork", "--base", "turbo"), "isn't on this machine"),
    ],
)
@pytest.mark.usefixtures("pictures")
def test_what_cannot_be_trained_is_said(
    atelier: Atelier, workplace: Path, arguments: tuple[str, ...], says: str
) -> None:
    assert "stabilityai/sdxl-turbo" in CHECKPOINTS
    (workplace / "config.toml").write_text("[models.turbo]\nsource = 'stabilityai/sdxl-turbo'\n")
    (workplace / "empty").mkdir()
    result = atelier("train", *arguments)
    assert result.code in (Exit.USAGE, Exit.MODEL)
    assert says in result.err
    assert not (workplace / "data" / "training").exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_training_that_is_stopped_goes_on_and_its_lora_paints(
    atelier: Atelier, pictures: Path, workplace: Path
) -> None:
    (workplace / "config.toml").write_text('[engine]\ndevice = "cpu"\n')
    command = (sys.executable, str(BOT), "train", str(pictures), *QUICK, "--steps", "60")
    training = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    assert training.stderr is not None
    for line in training.stderr:
        if line.startswith("step 50 of 60"):
            training.send_signal(signal.SIGINT)
    assert training.wait() == Exit.INTERRUPTED
    folder = workplace / "data" / "training" / "lora-zork"
    before = len((folder / "losses.txt").read_text().splitlines())
    assert 50 <= before < 60

    changed = atelier("train", str(pictures), *QUICK, "--steps", "60", "--learning-rate", "1")
    assert changed.code is Exit.USAGE
    assert "was begun with other settings: learning rate." in changed.err

    result = atelier("train", str(pictures), *QUICK, "--steps", "60")
    assert result.code is Exit.FINE, result.err
    assert "✓ Added zork." in result.out
    assert len((folder / "losses.txt").read_text().splitlines()) == 60
    for name in ("loss.png", "samples.png"):
        with Image.open(folder / name) as chart:
            chart.load()

    again = atelier("train", str(pictures), *QUICK, "--steps", "60")
    assert again.code is Exit.FINE, again.err
    painted = atelier("imagine", "a zork", "--lora", "zork", "--steps", "2")
    assert painted.code is Exit.FINE, painted.err


@pytest.mark.slow
def test_a_program_of_the_owners_trains_and_what_it_makes_has_to_fit(
    atelier: Atelier, pictures: Path, workplace: Path, tmp_path: Path
) -> None:
    import diffusers

    from tests.tiny import adapters

    pipe = diffusers.DiffusionPipeline.from_pretrained(SKETCH_FOLDER)
    lora = adapters.lora(tmp_path / "made" / "lora.safetensors", pipe, "unet", seed=1)
    words = ", ".join(f"'{each}'" for each in (sys.executable, FAKE_TRAINER, "{plan}", lora, 20))
    config = f"[engine]\ndevice = 'cpu'\n[training]\ncommand = [{words}]\n"
    (workplace / "config.toml").write_text(config)
    result = atelier("train", str(pictures), "--base", "sketch", "--steps", "10")
    assert result.code is Exit.FINE, result.err
    assert "[training] command in the settings" in result.out
    assert "✓ Added zork." in result.out
    made = workplace / "data" / "training" / "lora-zork" / "zork.safetensors"
    assert made.read_bytes() == lora.read_bytes()
    painted = atelier("imagine", "a zork", "--lora", "zork", "--steps", "2")
    assert painted.code is Exit.FINE, painted.err
    lora.write_bytes(made.read_bytes().replace(b"to_k", b"to_x"))
    result = atelier("train", str(pictures), "--base", "sketch", "--name", "other")
    assert result.code is Exit.NOT_PAINTED
    assert "The LoRA “other” can't be used" in result.err


def test_the_warm_up_follows_the_steps_that_are_asked_for_but_not_when_it_goes_on() -> None:
    model = Catalogue({}, "sketch")["sketch"]
    options = TrainOptions(folder=Path("zork"), given={"steps": 100})
    request = request_of(options, model, None)
    assert (request.steps, request.warmup_steps) == (100, 5)
    longer = request_of(replace(options, given={"steps": 400}), model, request)
    assert (longer.steps, longer.warmup_steps) == (400, 5)
    assert longer.same_course(request)


@pytest.mark.parametrize(
    ("folder", "name"), [("--rf $(x) 狗", "rf-x-狗"), ("..x", "x"), ("…", "lora"), ("/", "lora")]
)
def test_a_folders_name_becomes_one_that_can_be_typed(folder: str, name: str) -> None:
    assert name_of(TrainOptions(folder=Path(folder))) == name


async def test_the_plan_knows_what_steps_have_taken_here(tmp_path: Path) -> None:
    settings = Settings(storage={"path": tmp_path / "data"})
    model = Catalogue({}, "sketch")["sketch"]
    assert await measured_steps(settings, model) == {}
    step = Measurement(
        model="sketch",
        device="cpu",
        plan_key="",
        stage=Stage.STEP,
        dtype="float32",
        tile_side=0,
        width=128,
        height=128,
        batch=2,
        weight_bytes=0,
        peak_bytes=None,
        usable_bytes=0,
        seconds=0.5,
    )
    async with Database(settings.storage.path / DATABASE) as database:
        await MeasurementTable(database).save(step)
    assert await measured_steps(settings, model) == {(128, 128, 2): 0.5}
