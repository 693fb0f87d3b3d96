"""The catalogue: names that exist, names that nearly do, and sizes on offer."""

import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from pydantic import ValidationError
from safetensors.numpy import save_file

from engine.errors import InvalidModel, UnknownModel
from engine.jobs.request import ImageRequest
from engine.memory.plan import MemoryOptions, Offload, Quantization
from engine.memory.quantization import QUANTIZATION_METHODS
from engine.models.catalogue import SKETCH, Catalogue
from engine.models.model import Model
from engine.settings import EngineSettings, ModelSettings, Offloading, Quantizing
from tests.engine.builders import model, model_settings


@pytest.fixture
def catalogue() -> Catalogue:
    models = {name: model_settings("x") for name in ("sd-1.5", "dreamshaper")}
    return Catalogue(models, "sd-1.5")


def test_the_built_in_model_is_always_there(catalogue: Catalogue) -> None:
    assert [entry.name for entry in catalogue] == ["sketch", "sd-1.5", "dreamshaper"]
    assert len(catalogue) == 3
    assert catalogue["sketch"] is SKETCH
    assert len(Catalogue({}, "sketch")) == 1


def test_a_name_with_a_slip_is_answered_with_the_nearest(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownModel) as caught:
        catalogue["dreamshapr"]
    assert str(caught.value) == (
        "There's no model “dreamshapr”. Did you mean “dreamshaper”? Models: sketch, sd-1.5, "
        "dreamshaper."
    )


def test_a_name_like_no_other_is_answered_with_those_that_are(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownModel, match=r"no model “zzz”\. Models: sketch"):
        catalogue["zzz"]


def test_a_default_that_is_not_configured_is_found_at_once() -> None:
    with pytest.raises(UnknownModel, match="Did you mean “tiny”"):
        Catalogue({"tiny": model_settings("x")}, "tine")


def test_a_choice_that_is_gone_falls_back_to_the_default(catalogue: Catalogue) -> None:
    assert catalogue.find("dreamshaper").name == "dreamshaper"
    assert catalogue.find("gone").name == "sd-1.5"
    assert catalogue.find(None).name == "sd-1.5"


@pytest.mark.parametrize(
    "entry",
    [SKETCH, model("x"), model("x", width=192, height=192, multiple_of=64)],
    ids=["sketch", "tiny", "coarse"],
)
def test_every_size_on_offer_can_be_painted(entry: Model) -> None:
    sizes = entry.sizes
    assert len({(size.width, size.height) for size in sizes}) == len(sizes), "none twice"
    assert (sizes[0].width, sizes[0].height) == (entry.width, entry.height)
    for size in sizes:
        ImageRequest(prompt="a house", width=size.width, height=size.height).resolve(entry)


def test_what_the_settings_leave_open_is_as_is_known_of_the_checkpoint() -> None:
    turbo = Model.of("fast", ModelSettings(source="tongyi-mai/z-image-turbo"))
    assert (turbo.family, turbo.num_inference_steps, turbo.guidance_scale) == ("z-image", 9, 0.0)
    assert (turbo.width, turbo.height, turbo.min_side, turbo.max_side) == (1024, 1024, 512, 1536)
    assert turbo.multiple_of == 16
    assert turbo.licence is not None
    assert turbo.licence.name == "Apache 2.0"
    assert turbo.download_bytes == 32_900_000_000
    assert not turbo.gated


def test_what_the_settings_say_stands_over_what_is_known() -> None:
    settings = ModelSettings(
        source="stabilityai/sdxl-turbo",
        description="mine",
        num_inference_steps=4,
        guidance_scale=1.5,
        scheduler="lcm",
        variant="",
        dtype="float32",
        width=1600,
        max_steps=8,
    )
    mine = Model.of("mine", settings)
    assert (mine.description, mine.scheduler, mine.dtype) == ("mine", "lcm", "float32")
    assert (mine.num_inference_steps, mine.guidance_scale, mine.max_steps) == (4, 1.5, 8)
    assert (mine.width, mine.height, mine.max_side) == (1600, 512, 1600)
    assert mine.variant is None
    assert mine.scheduler_options == {"timestep_spacing": "trailing"}


def test_the_family_of_a_folder_is_read_from_its_index(tmp_path: Path) -> None:
    for pipeline, family, side, steps in (
        ("StableDiffusionXLPipeline", "sdxl", 1024, 30),
        ("QwenImagePipeline", "qwen-image", 1328, 50),
        ("KolorsPipeline", None, 1024, 50),
    ):
        (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": pipeline}))
        entry = Model.of("here", ModelSettings(source=str(tmp_path)))
        assert (entry.family, entry.width, entry.num_inference_steps) == (family, side, steps)


def test_the_family_of_a_downloaded_model_is_read_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    cached = tmp_path / "models--someone--fox"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("abc")
    snapshot = cached / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    assert Model.of("fox", ModelSettings(source="someone/fox")).family is None
    (snapshot / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    fox = Model.of("fox", ModelSettings(source="someone/fox"))
    assert (fox.family, fox.num_inference_steps, fox.guidance_scale) == ("flux", 28, 3.5)


@pytest.mark.parametrize(
    ("tensor", "family", "side"),
    [
        ("cond_stage_model.transformer.text_model.final_layer_norm.bias", "sd", 512),
        ("conditioner.embedders.1.model.ln_final.bias", "sdxl", 1024),
        ("double_blocks.0.img_attn.qkv.weight", None, 512),
    ],
)
def test_the_family_of_a_single_file_is_read_from_its_header(
    tmp_path: Path, tensor: str, family: str | None, side: int
) -> None:
    file = tmp_path / "merge.SafeTensors"
    save_file({tensor: np.zeros(2, np.float32), "x": np.zeros(1, np.float32)}, file)
    entry = Model.of("merge", ModelSettings(source=str(file)))
    assert (entry.family, entry.width) == (family, side)


@pytest.mark.parametrize("data", [b"", b"\xff" * 64, bytes(8) + b"{}", b"PK\x03\x04" * 9])
def test_a_file_that_is_something_else_leaves_the_family_open(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "merge.safetensors"
    file.write_bytes(data)
    assert Model.of("merge", ModelSettings(source=str(file))).family is None
    assert Model.of("gone", ModelSettings(source=str(tmp_path / "no.safetensors"))).family is None


@pytest.mark.parametrize("index", ["", "[]", '{"_class_name": null}', "{", "\x00"])
def test_an_index_that_says_nothing_leaves_the_family_open(tmp_path: Path, index: str) -> None:
    (tmp_path / "model_index.json").write_text(index)
    assert Model.of("odd", ModelSettings(source=str(tmp_path))).family is None


def test_the_defaults_of_the_settings_can_be_painted() -> None:
    entry = Model.of("new", ModelSettings(source="somewhere/something"))
    made = ImageRequest(prompt="a house").resolve(entry)
    assert (made.width, made.num_inference_steps, made.guidance_scale) == (512, 25, 7.0)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"width": 900, "max_side": 800}, "width 900 must be between min_side 256 and max_side"),
        ({"height": 100, "min_side": 200}, "height 100 must be between min_side 200"),
        ({"width": 516}, "a multiple of 8"),
        ({"source": "Qwen/Qwen-Image", "width": 1000}, "a multiple of 16"),
        ({"source": "Qwen/Qwen-Image", "scheduler": "lcm"}, "“lcm” doesn't work with this kind"),
    ],
)
def test_values_that_do_not_go_together_are_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidModel, match=sentence):
        Model.of("odd", ModelSettings(**{"source": "a/b"} | given))


@pytest.mark.parametrize("side", [16, 64, 512, 2048, 4096])
def test_bounds_make_room_for_a_size_that_is_given(side: int) -> None:
    for key in ("width", "height", "min_side", "max_side"):
        entry = Model.of("any", ModelSettings(**{"source": "a/b", key: side}))
        assert getattr(entry, key) == side
        ImageRequest(prompt="a house").resolve(entry)


def test_a_model_comes_and_goes_by_command(catalogue: Catalogue) -> None:
    added = catalogue.add("flux", ModelSettings(source="black-forest-labs/FLUX.1-schnell"))
    assert added.added
    assert catalogue["flux"] is added
    assert [entry.name for entry in catalogue if entry.added] == ["flux"]
    again = catalogue.add("flux", ModelSettings(source="black-forest-labs/FLUX.1-dev"))
    assert catalogue["flux"].source == again.source == "black-forest-labs/FLUX.1-dev"
    assert catalogue.remove("flux") is again
    assert "flux" not in catalogue
    assert len(catalogue) == 3


@pytest.mark.parametrize("name", ["sketch", "sd-1.5"])
def test_what_the_program_or_the_settings_bring_stays(catalogue: Catalogue, name: str) -> None:
    with pytest.raises(InvalidModel, match=f"There's already a model named “{name}”"):
        catalogue.add(name, ModelSettings(source="a/b"))
    with pytest.raises(InvalidModel, match="built in" if name == "sketch" else r"\[models\.sd-1"):
        catalogue.remove(name)
    assert not catalogue[name].added


def test_names_that_nobody_could_type_are_refused(catalogue: Catalogue) -> None:
    for name in ("", "a b", "a/b", "x" * 51, "[x]", "a\nb"):
        with pytest.raises(InvalidModel, match="isn't a valid name"):
            catalogue.add(name, ModelSettings(source="a/b"))
    with pytest.raises(UnknownModel, match="Did you mean"):
        catalogue.remove("dreamshapr")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("black-forest-labs/FLUX.1-dev", "flux.1-dev"),
        ("someone/dreamshaper", "dreamshaper-2"),
        ("/models/My Merge (v2).safetensors", "my-merge-v2"),
        ("C:\\models\\fox\\", "fox"),
        ("someone/" + "x" * 90, "x" * 45),
        ("***", "model"),
    ],
)
def test_a_name_is_suggested_that_can_be_used(catalogue: Catalogue, source: str, name: str) -> None:
    assert catalogue.suggest_name(source) == name
    catalogue.add(name, ModelSettings(source=source))
    assert catalogue.suggest_name(source) not in catalogue


def test_what_the_owner_says_of_one_model_stands_over_what_holds_for_all() -> None:
    engine = EngineSettings(offload="stream", quantize="if_needed", vae_tiling="on")
    plain = Model.of("a", ModelSettings(source="a/b"))
    assert plain.memory_options(engine) == MemoryOptions(
        offload=Offload.STREAM, quantize="if_needed", vae_tiling=True
    )
    own = ModelSettings(
        source="a/b", offload="resident", quantize="never", quantize_text_encoder="nf4"
    )
    assert Model.of("a", own).memory_options(engine) == MemoryOptions(
        offload=Offload.RESIDENT, quantize_text_encoder="nf4", vae_tiling=True
    )


def test_what_the_settings_allow_is_what_the_plan_knows() -> None:
    assert set(get_args(Offloading)) == set(Offload)
    methods = QUANTIZATION_METHODS.items()
    ways = {one for one, method in methods if one != Quantization.GGUF and not method.activations}
    assert set(get_args(Quantizing)) == {"never", "if_needed", *ways}


def test_a_setting_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        ModelSettings.model_validate({"source": "x", "stpes": 20})
    with pytest.raises(ValidationError, match="scheduler"):
        ModelSettings.model_validate({"source": "x", "scheduler": "magic"})


def test_the_built_in_model_is_in_the_package() -> None:
    assert Path(SKETCH.source).parent.name == "engine"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b"[" * 100_000], ids=["empty", "cut", "numbers", "nested"]
)
def test_damaged_files_have_no_family_and_stop_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model_index.json").write_bytes(content)
    file = tmp_path / "x.safetensors"
    file.write_bytes(len(content).to_bytes(8, "little") + content)
    for source in (tmp_path, file):
        assert Model.of("x", ModelSettings(source=str(source))).family is None


def test_what_a_model_that_runs_whole_takes_is_read_from_its_class(tmp_path: Path) -> None:
    for pipeline, starts, loras, guidance in (
        ("LatentConsistencyModelPipeline", True, True, 8.5),
        ("ErnieImagePipeline", False, True, 4.0),
        ("BriaPipeline", False, False, 5.0),
        ("DreamLitePipeline", True, False, 3.5),
    ):
        (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": pipeline}))
        entry = Model.of("here", ModelSettings(source=str(tmp_path)))
        assert entry.whole is not None
        assert (entry.family, entry.whole.name, entry.guidance_scale) == (None, pipeline, guidance)
        assert (entry.image_to_image, entry.inpaint) == (starts, False)
        assert (entry.whole.lora_mixin is not None) == loras
        asked = Model.of("there", ModelSettings(source="someone/x"), pipeline=pipeline)
        assert asked.whole == entry.whole
    sd = Model.of("sd", ModelSettings(source="stable-diffusion-v1-5/stable-diffusion-v1-5"))
    assert (sd.whole, sd.image_to_image, sd.inpaint) == (None, True, True)


def test_sides_of_a_model_that_runs_whole_suit_its_vae_unless_the_settings_have_others(
    tmp_path: Path,
) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "ErnieImagePipeline"}')
    usual = Model.of("here", ModelSettings(source=str(tmp_path)))
    assert (usual.multiple_of, usual.width) == (32, 1024)
    own = Model.of("here", ModelSettings(source=str(tmp_path), width=1080, height=720))
    assert (own.multiple_of, own.width, own.height) == (8, 1080, 720)
