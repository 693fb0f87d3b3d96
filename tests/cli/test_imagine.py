"""`imagine`: pictures from the command line, through the real engine."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from PIL import Image

from cli.exits import Exit
from engine import ImageRequest
from engine.images.output import read_request
from tests.cli.conftest import Atelier
from tests.tiny import adapters

Config = Callable[[str], Path]

BOT = Path(__file__).parents[2] / "bot.py"

pytestmark = pytest.mark.slow  # it imports torch and paints


@pytest.fixture
def tiny(config: Config, tiny_model: Path) -> None:
    """Settings in which a tiny model is the default one."""
    config(
        f"[engine]\ndevice = 'cpu'\ndefault_model = 'tiny'\n"
        f"[models.tiny]\nsource = '{tiny_model}'\nwidth = 64\nheight = 64\nmin_side = 32\n"
    )


def test_the_built_in_model_paints_without_any_settings(atelier: Atelier, workplace: Path) -> None:
    result = atelier("imagine", "a red boat on the sea", "--seed", "7", "--steps", "4")
    assert result.code is Exit.FINE, result.err
    file = workplace / "data" / "imagine" / "a-red-boat-on-the-sea-7.png"
    assert result.out.startswith(f"{file}  seed 7  ")
    with Image.open(file) as picture:
        assert picture.size == (128, 128)


@pytest.mark.usefixtures("tiny")
def test_a_picture_holds_the_request_that_painted_it(atelier: Atelier, workplace: Path) -> None:
    arguments = "--negative-prompt moon --width 96 --height 64 --steps 2 --guidance 3.5 --seed 11"
    result = atelier("imagine", "a red fish", *arguments.split(), "--out", "pots/mine")
    assert result.code is Exit.FINE, result.err
    assert read_request(Path("pots/mine/a-red-fish-11.png")) == ImageRequest(
        prompt="a red fish",
        negative_prompt="moon",
        model="tiny",
        width=96,
        height=64,
        num_inference_steps=2,
        guidance_scale=3.5,
        seed=11,
        scheduler="default",
    )
    assert not (workplace / "data").exists(), "the bot's own folder is left alone"


@pytest.mark.usefixtures("tiny")
def test_flags_in_the_prompt_are_obeyed(atelier: Atelier) -> None:
    prompt = "fish --size 96x64 --steps 1 --no rain --seed 5 --cfg 2"
    result = atelier("imagine", prompt, "--seed", "5", "--out", "pots")
    assert result.code is Exit.FINE, result.err
    assert read_request(Path("pots/fish-5.png")) == ImageRequest(
        prompt="fish",
        negative_prompt="rain",
        model="tiny",
        width=96,
        height=64,
        num_inference_steps=1,
        guidance_scale=2.0,
        seed=5,
        scheduler="default",
    )


@pytest.mark.usefixtures("tiny")
def test_several_pictures_have_a_seed_each_and_nothing_is_overwritten(atelier: Atelier) -> None:
    line = ("imagine", "fish", "--count", "2", "--seed", "5", "--steps", "1", "--out", "pots")
    first, second = atelier(*line), atelier(*line)
    assert [x.split()[:3] for x in first.out.splitlines()] == [
        [str(Path("pots/fish-5.png")), "seed", "5"],
        [str(Path("pots/fish-6.png")), "seed", "6"],
    ]
    names = sorted(file.name for file in Path("pots").iterdir())
    assert names == ["fish-5-2.png", "fish-5.png", "fish-6-2.png", "fish-6.png"]
    assert str(Path("pots/fish-6-2.png")) in second.out
    assert [read_request(Path("pots", name)).seed for name in names] == [5, 5, 6, 6]


@pytest.fixture
def fog(tiny_model: Path, workplace: Path) -> Path:
    """A LoRA in the bot's own folder, called fog."""
    import diffusers

    pipe = diffusers.StableDiffusionPipeline.from_pretrained(tiny_model)
    return adapters.lora(workplace / "data" / "loras" / "fog.safetensors", pipe, "unet", seed=1)


@pytest.mark.usefixtures("tiny", "fog")
def test_a_lora_a_scheduler_and_a_picture_to_start_from(atelier: Atelier) -> None:
    line = ["imagine", "fish", "--seed", "5", "--steps", "2", "--scheduler", "euler"]
    line += ["--width", "64", "--height", "64", "--out", "pots"]
    plain = Path("pots/fish-5.png")
    assert atelier(*line).code is Exit.FINE
    with Image.open(plain) as image:
        before = image.tobytes()
    seen = {before}
    for number, more in enumerate(
        (
            ["--lora", "fog"],
            ["--lora", "fog:0.3"],
            ["--image", str(plain), "--mask", str(plain), "--strength", "0.5"],
        ),
        start=2,
    ):
        result = atelier(*line, *more)
        assert result.code is Exit.FINE, result.err
        with Image.open(Path(f"pots/fish-5-{number}.png")) as image:
            seen.add(image.tobytes())
    assert len(seen) == 4, "each of them changes the picture"
    assert read_request(plain).scheduler == "euler"


@pytest.mark.usefixtures("tiny")
def test_references_are_for_models_that_can_edit(atelier: Atelier, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    Image.new("RGB", (64, 64)).save(picture)
    result = atelier("imagine", "at night", "--reference", str(picture))
    assert result.code is Exit.NOT_PAINTED
    assert "with an IP-Adapter, which isn't set up" in result.err


@pytest.mark.usefixtures("tiny")
def test_a_mask_is_that_of_a_picture_and_marks_what_is_painted_in_its_shape(
    atelier: Atelier, tmp_path: Path
) -> None:
    picture, mask = tmp_path / "picture.png", tmp_path / "mask.png"
    Image.linear_gradient("L").resize((96, 64)).save(picture)
    half = Image.new("L", (96, 64))
    half.paste(255, (48, 0, 96, 64))
    half.save(mask)
    line = ["imagine", "fish", "--seed", "5", "--steps", "2", "--mask", str(mask), "--out", "pots"]
    result = atelier(*line)
    assert result.code is Exit.USAGE
    assert "Add --image" in result.err
    assert atelier(*line, "--image", str(picture)).code is Exit.FINE
    with Image.open("pots/fish-5.png") as after, Image.open(picture) as before:
        left = (0, 0, 48, 64)
        assert after.size == before.size
        assert after.crop(left).tobytes() == before.convert("RGB").crop(left).tobytes()
        assert after.tobytes() != before.convert("RGB").tobytes()
        assert after.info["parameters"].count("Denoising strength: 1,") == 1


@pytest.mark.usefixtures("tiny")
def test_it_works_beside_a_running_bot(atelier: Atelier, workplace: Path) -> None:
    (workplace / "data").mkdir()
    with FileLock(workplace / "data" / "atelier.lock"):
        result = atelier("imagine", "fish", "--steps", "1", "--seed", "3")
    assert result.code is Exit.FINE, result.err
    assert "fish-3.png" in result.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([" "], "The prompt is empty. Say what the picture should show."),
        (["fish", "--width", "97"], "The width is 97 pixels, but must be a multiple of 16"),
        (["fish", "--steps", "999"], "The number of steps must be between 1 and 150, not 999."),
        (["fish", "--count", "5"], "The number of pictures must be between 1 and 4, not 5."),
        (["fish", "--model", "scetch"], "There's no model “scetch”. Did you mean “sketch”?"),
        (["fish --sed 7"], "There's no flag --sed. Did you mean --seed?"),
        (["fish --seed 7", "--seed", "8"], "The seed is given twice: 8 and 7."),
        (["fish", "--lora", "fog"], "There's no LoRA “fog”. None have been set up here."),
        (["fish", "--image", __file__], "This file can't be read as a picture. Send a PNG"),
    ],
)
def test_what_cannot_be_painted_is_said_in_a_sentence(
    atelier: Atelier, arguments: list[str], sentence: str
) -> None:
    result = atelier("imagine", *arguments)
    assert result.code is Exit.NOT_PAINTED
    assert result.err.splitlines()[-1].startswith(f"✗ {sentence}")
    assert result.out == ""


@pytest.mark.parametrize(
    "more", [["--lora", "fog:much"], ["--image", "gone.png"], ["--strength", "0.5"]]
)
def test_what_is_not_understood_is_a_usage_error(atelier: Atelier, more: list[str]) -> None:
    assert atelier("imagine", "fish", *more).code is Exit.USAGE


def test_a_model_that_cannot_be_loaded(atelier: Atelier, config: Config) -> None:
    config("[models.gone]\nsource = './gone'")
    result = atelier("imagine", "fish", "--model", "gone")
    assert result.code is Exit.NOT_PAINTED
    assert "✗ The model “gone” couldn't be loaded. “./gone” is neither a folder nor" in result.err
    assert "Traceback" not in result.err


@pytest.mark.usefixtures("tiny")
def test_a_folder_that_cannot_be_used(atelier: Atelier) -> None:
    Path("pots").write_text("")
    result = atelier("imagine", "fish", "--steps", "1", "--out", "pots")
    assert result.code is Exit.STORAGE
    assert result.err.splitlines()[-1].startswith("✗ The folder pots can't be used: ")


@pytest.mark.usefixtures("tiny")
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_ctrl_c_ends_it_without_a_trace(workplace: Path) -> None:
    scratch = workplace / "tmp"
    scratch.mkdir()
    process = subprocess.Popen(
        [sys.executable, BOT, "imagine", "fish", "--steps", "150", "--width", "768"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(scratch)},
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "Loading tiny\n"
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == Exit.INTERRUPTED
    assert told.splitlines()[-1] == "✗ Cancelled."
    assert "Traceback" not in told
    assert not list(scratch.iterdir())
    assert not (workplace / "data").exists()
