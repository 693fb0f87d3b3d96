"""Each picture wears its own LoRAs: alone as Diffusers has it, and beside others all the same."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.diffusion.families.flux import Flux
from engine.diffusion.families.latent_sample import LatentSample
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.families.stable_diffusion_xl import StableDiffusionXL
from engine.diffusion.lora.manager import LoraManager
from engine.diffusion.offload import OffloadedComponents
from engine.errors import InvalidRequest, ModelUnavailable
from engine.jobs.recipe import AdapterUse, Recipe
from engine.memory.plan import ComponentPlacement, Plan, Residence
from engine.models.adapters import AdapterCatalogue
from engine.models.families import FAMILIES
from engine.settings import AdapterSettings
from tests.engine.builders import recipe
from tests.engine.diffusion.families.parity import ONE_LEVEL, Image, difference, paint, parts
from tests.engine.diffusion.families.transformer_pipelines import levels, run_pipeline
from tests.engine.diffusion.families.unet_pipelines import run_unet_pipeline
from tests.tiny.adapters import lora
from tests.tiny.flux import flux
from tests.tiny.sdxl import sdxl

Loads = Callable[[str], Any]


@pytest.fixture(scope="module")
def fresh(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Loads:
    """Loads a pipeline of the SD or XL kind that nothing has been put into."""
    folders = {"sd": tiny_model, "xl": sdxl(tmp_path_factory.mktemp("xl"))}

    def load(kind: str) -> Any:
        pipe: Any = diffusers.AutoPipelineForText2Image.from_pretrained(folders[kind])
        pipe.set_progress_bar_config(disable=True)
        return pipe

    return load


@pytest.fixture(scope="module")
def plain_pipe(fresh: Loads) -> Any:
    """A pipeline that paints by itself."""
    return fresh("sd")


@pytest.fixture(scope="module")
def loras(tmp_path_factory: pytest.TempPathFactory, plain_pipe: Any, fresh: Loads) -> Path:
    """A folder of LoRAs: two for the UNet, one for the text encoder too, one of another family."""
    folder = tmp_path_factory.mktemp("loras")
    lora(folder / "ink.safetensors", plain_pipe, "unet", seed=1)
    lora(folder / "wash.v1.safetensors", plain_pipe, "unet", seed=2, rank=2)
    lora(folder / "words.safetensors", plain_pipe, "unet", "text_encoder", seed=3)
    xl = fresh("xl")
    lora(folder / "other.safetensors", xl, "unet", "text_encoder", "text_encoder_2", seed=5)
    return folder


@pytest.fixture(scope="module")
def family(fresh: Loads, loras: Path) -> StableDiffusion:
    pipe = fresh("sd")
    return StableDiffusion(pipe, parts(pipe), None, adapters=AdapterCatalogue(folder=loras))


def wearing(*uses: tuple[str, float], **changes: Any) -> Recipe:
    values = {"guidance_scale": 4.0, "negative_prompt": "a blue fish"} | changes
    return recipe(adapters=tuple(AdapterUse(*use) for use in uses), **values)


def by_diffusers(pipe: Any, loras: Path, asked: Recipe) -> Image:
    """What the pipeline itself paints with the recipe's LoRAs at their weights."""
    keys = [f"key_{i}" for i, _ in enumerate(asked.adapters)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PEFT warns of a second adapter
            for key, use in zip(keys, asked.adapters, strict=True):
                file = f"{use.name}.safetensors"
                pipe.load_lora_weights(loras, weight_name=file, adapter_name=key)
        if keys:
            pipe.set_adapters(keys, [use.weight for use in asked.adapters])
        return run_unet_pipeline(pipe, "", asked)
    finally:
        pipe.unload_lora_weights()


@pytest.mark.parametrize(
    "uses",
    [
        [("ink", 1.0)],
        [("ink", 0.4)],
        [("words", 0.8)],
        [("ink", 0.5), ("words", 0.6)],
    ],
)
def test_a_picture_painted_alone_is_the_one_that_diffusers_paints_with_that_lora(
    family: StableDiffusion, plain_pipe: Any, loras: Path, uses: list[tuple[str, float]]
) -> None:
    asked = wearing(*uses)
    [alone] = paint(family, asked)
    assert difference(alone, by_diffusers(plain_pipe, loras, asked)) == 0
    assert difference(alone, by_diffusers(plain_pipe, loras, wearing())) > 2 * ONE_LEVEL


def test_without_a_lora_again_the_picture_is_exactly_the_plain_one(
    family: StableDiffusion, plain_pipe: Any, loras: Path
) -> None:
    paint(family, wearing(("words", 1.0)))
    paint(family, wearing(("ink", 1.0)), wearing())
    [plain] = paint(family, wearing())
    assert difference(plain, by_diffusers(plain_pipe, loras, wearing())) == 0


MIXED = (
    wearing(),
    wearing(("ink", 1.0), seed=8),
    wearing(("wash.v1", 0.8), guidance_scale=1.0),
    wearing(("ink", 0.3), num_inference_steps=3),
    wearing(("ink", 0.5), ("wash.v1", 1.5), scheduler="euler_a"),
    wearing(("words", 0.9), prompt="moon"),
)


def test_rows_of_any_adapters_at_any_weights_share_a_batch_and_do_not_touch_each_other(
    family: StableDiffusion,
) -> None:
    with torch.inference_mode():
        rows = [row for asked in MIXED for row in family.begin(asked)]
        assert len({family.batch_key(row) for row in rows}) == 1
    together = paint(family, *MIXED, after=[0, 1, 0, 0, 2, 1])
    for asked, mixed in zip(MIXED, together, strict=True):
        [alone] = paint(family, asked)
        assert difference(alone, mixed) <= ONE_LEVEL, asked.adapters


def test_the_latents_of_a_mixed_batch_differ_by_rounding_alone(family: StableDiffusion) -> None:
    with torch.inference_mode():
        mixed = [row for asked in MIXED[:3] for row in family.begin(asked)]
        for _ in range(4):
            family.step(mixed, lambda: None)
        for row in mixed:
            assert isinstance(row, LatentSample)
            [alone] = family.begin(row.recipe)
            assert isinstance(alone, LatentSample)
            while not alone.done:
                family.step([alone], lambda: None)
            error = (row.latents - alone.latents).norm() / alone.latents.norm()
            assert error < 1e-5


def test_every_lora_is_loaded_once(
    family: StableDiffusion, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(family, wearing(("ink", 1.0)))
    monkeypatch.setattr(family._pipe, "load_lora_weights", None)
    paint(family, wearing(("ink", 0.2)))


def test_a_lora_of_another_family_is_refused_and_leaves_the_pipeline_as_it_was(
    fresh: Loads, plain_pipe: Any, loras: Path
) -> None:
    pipe = fresh("sd")
    names = [name for name, _ in pipe.unet.named_modules()]
    family = StableDiffusion(pipe, parts(pipe), None, adapters=AdapterCatalogue(folder=loras))
    with pytest.raises(
        InvalidRequest, match=r"The LoRA “other” can't be used\. It wasn't made for"
    ):
        paint(family, wearing(("other", 1.0)))
    assert [name for name, _ in pipe.unet.named_modules()] == names
    [after] = paint(family, wearing(("ink", 1.0)))
    with pytest.raises(InvalidRequest, match="“other” can't be used"):
        paint(family, wearing(("other", 1.0)))
    assert not [name for name, _ in pipe.unet.named_parameters() if "adapter_000002" in name]
    [again] = paint(family, wearing(("ink", 1.0)))
    assert difference(after, again) == 0
    assert difference(after, by_diffusers(plain_pipe, loras, wearing(("ink", 1.0)))) == 0


@pytest.mark.parametrize(
    "damage", ["cut off", "half its tensors", "no lora", "for nobody", "not finite"]
)
def test_a_damaged_file_is_refused_and_nothing_stays_of_it(
    fresh: Loads, loras: Path, tmp_path: Path, damage: str
) -> None:
    file = tmp_path / "bad.safetensors"
    tensors = load_file(loras / "ink.safetensors")
    match damage:
        case "cut off":
            file.write_bytes((loras / "ink.safetensors").read_bytes()[:-100])
        case "half its tensors":
            save_file({name: value for name, value in tensors.items() if "lora_A" in name}, file)
        case "no lora":
            save_file({"weight": torch.zeros(3)}, file)
        case "for nobody":
            save_file({f"transformer.{name}": value for name, value in tensors.items()}, file)
        case "not finite":
            save_file({name: value / 0 for name, value in tensors.items()}, file)
    pipe = fresh("sd")
    names = [name for name, _ in pipe.unet.named_modules()]
    family = StableDiffusion(pipe, parts(pipe), None, adapters=AdapterCatalogue(folder=tmp_path))
    with pytest.raises((InvalidRequest, ModelUnavailable), match=r"bad.* (damaged|cut off)|should"):
        paint(family, wearing(("bad", 1.0)))
    assert [name for name, _ in pipe.unet.named_modules()] == names


def test_those_not_used_for_longest_go_when_there_are_too_many(fresh: Loads, loras: Path) -> None:
    pipe = fresh("sd")
    shelf = AdapterCatalogue(folder=loras)
    adapters = LoraManager(pipe, parts(pipe), FAMILIES["sd"], shelf, capacity=2)
    ink, wash, words = (AdapterUse(name, 1.0) for name in ("ink", "wash.v1", "words"))
    adapters.ensure(ink, wash, words)
    assert len(pipe.get_list_adapters()["unet"]) == 3, "what one job needs is there at once"
    adapters.ensure(words)
    assert len(pipe.get_list_adapters()["unet"]) == 2
    [(use, _)] = adapters.encoder_key((ink, words))
    assert use == words, "what is known of it stays known"
    with adapters.applied([(ink,), (wash,)], "unet"):
        assert len(pipe.get_list_adapters()["unet"]) == 2


def test_one_that_is_removed_on_the_way_to_the_device_is_a_sentence(
    fresh: Loads, loras: Path, tmp_path: Path
) -> None:
    """As by “loras remove” beside the bot: it was found, and is gone when it's read."""
    pipe = fresh("sd")
    shelf = AdapterCatalogue(folder=loras, find_file=lambda _: tmp_path / "gone.safetensors")
    adapters = LoraManager(pipe, parts(pipe), FAMILIES["sd"], shelf)
    with pytest.raises(ModelUnavailable, match=r"“gone\.safetensors” can't be read: No such file"):
        adapters.ensure(AdapterUse("ink", 1.0))
    assert not pipe.get_list_adapters()


def test_only_a_lora_that_touches_the_text_encoder_makes_a_prompt_be_read_again(
    family: StableDiffusion, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    encode_prompt = family.encode_prompt

    def listen(text: str, *, negative: bool) -> Any:
        read.append(text)
        return encode_prompt(text, negative=negative)

    monkeypatch.setattr(family, "encode_prompt", listen)
    with torch.inference_mode():
        for uses in ([], [("ink", 1.0)], [("words", 0.7)], [("words", 0.7), ("ink", 1.0)]):
            family.begin(wearing(*uses, prompt="an unread house", guidance_scale=1.0))
    assert read == ["an unread house"] * 2


def test_both_text_encoders_of_xl_and_its_unet_wear_it(
    fresh: Loads, loras: Path, plain_pipe: Any
) -> None:
    pipe, plain = fresh("xl"), fresh("xl")
    family = StableDiffusionXL(pipe, parts(pipe), None, adapters=AdapterCatalogue(folder=loras))
    asked = wearing(("other", 0.8))
    alone, beside = paint(family, asked)[0], paint(family, wearing(seed=3), asked)[1]
    assert difference(alone, by_diffusers(plain, loras, asked)) == 0
    assert difference(alone, beside) <= ONE_LEVEL


def test_a_family_whose_pipeline_takes_no_loras_says_so(loras: Path) -> None:
    class Pipeline:
        components: dict[str, Any] = {}  # noqa: RUF012

    pipe = Pipeline()
    adapters = LoraManager(
        pipe, parts(pipe), FAMILIES["pixart-sigma"], AdapterCatalogue(folder=loras)
    )
    with pytest.raises(InvalidRequest, match=r"PixArt-Σ models can't use LoRAs\. Remove the LoRA"):
        adapters.ensure(AdapterUse("ink", 1.0))


def test_the_settings_name_files_and_folders(fresh: Loads, loras: Path, tmp_path: Path) -> None:
    named = {
        "One": AdapterSettings(source=str(loras / "ink.safetensors"), weight=0.5),
        "two": AdapterSettings(source=str(tmp_path)),
    }
    (tmp_path / "wash.safetensors").write_bytes((loras / "wash.v1.safetensors").read_bytes())
    pipe = fresh("sd")
    family = StableDiffusion(pipe, parts(pipe), None, adapters=AdapterCatalogue(named))
    images = paint(family, wearing(("One", 0.5)), wearing(("two", 1.0)), wearing())
    assert all(difference(one, images[-1]) > ONE_LEVEL for one in images[:2])


def test_a_transformer_wears_loras_too_and_those_that_cannot_be_mixed_go_alone(
    tmp_path: Path,
) -> None:
    folder = flux(tmp_path / "flux")
    plain: Any = diffusers.FluxPipeline.from_pretrained(folder)
    pipe: Any = diffusers.FluxPipeline.from_pretrained(folder)
    lora(tmp_path / "loras" / "ink.safetensors", plain, "transformer", "text_encoder", seed=1)
    lora(tmp_path / "loras" / "wash.safetensors", plain, "transformer", seed=2)
    deep = {"transformer": ("x_embedder",)}
    lora(tmp_path / "loras" / "deep.safetensors", plain, "transformer", seed=3, targets=deep)
    family = Flux(pipe, parts(pipe), None, adapters=AdapterCatalogue(folder=tmp_path / "loras"))
    recipes = [
        recipe(adapters=uses, scheduler="default")
        for uses in ((AdapterUse("ink", 0.8),), (AdapterUse("wash", 1.0),), ())
    ]
    together = paint(family, *recipes)
    for asked, mixed in zip(recipes, together, strict=True):
        [alone] = paint(family, asked)
        assert difference(alone, mixed) <= ONE_LEVEL
    [inked] = paint(family, recipes[0])
    plain.load_lora_weights(tmp_path / "loras", weight_name="ink.safetensors", adapter_name="ink")
    plain.set_adapters(["ink"], [0.8])
    expected = run_pipeline(diffusers.FluxPipeline, plain, recipes[0], max_sequence_length=512)
    assert difference(inked, levels(expected)) == 0
    with torch.inference_mode():
        keys = [
            family.batch_key(family.begin(recipe(adapters=uses, scheduler="default"))[0])
            for uses in ((AdapterUse("deep", 1.0),), (AdapterUse("wash", 1.0),), ())
        ]
    assert keys[0] != keys[1] == keys[2]


def test_a_model_that_is_kept_as_float8_wears_loras_of_full_precision(
    fresh: Loads, loras: Path
) -> None:
    pipe = fresh("sd")
    pipe.unet.enable_layerwise_casting(
        storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.float32
    )
    family = StableDiffusion(pipe, parts(pipe), None, adapters=AdapterCatalogue(folder=loras))
    asked = wearing(("ink", 1.0))
    alone, [_, beside] = paint(family, asked)[0], paint(family, wearing(), asked)
    assert difference(alone, beside) <= ONE_LEVEL
    kept = {name: weight.dtype for name, weight in pipe.unet.named_parameters()}
    assert {dtype for name, dtype in kept.items() if ".lora_" in name} == {torch.float32}
    assert torch.float8_e4m3fn in kept.values(), "the model's own weights are as before"


@pytest.mark.parametrize("layer_by_layer", [True, False])
def test_weights_of_a_lora_come_and_go_with_the_layers_that_they_are_in(
    fresh: Loads, loras: Path, plain_pipe: Any, layer_by_layer: bool
) -> None:
    pipe = fresh("sd")
    streams = ComponentPlacement(
        residence=Residence.STREAMED,
        weight_bytes=0,
        resident_bytes=0,
        layer_by_layer=layer_by_layer,
    )
    visits = ComponentPlacement(residence=Residence.OFFLOADED, weight_bytes=0, resident_bytes=0)
    plan = Plan(dtype="float32", places={"text_encoder": visits, "unet": streams, "vae": visits})
    streamed = OffloadedComponents(pipe, torch.device("cpu"), plan)
    family = StableDiffusion(pipe, streamed, None, adapters=AdapterCatalogue(folder=loras))
    with torch.inference_mode():
        family.begin(wearing(("ink", 1.0)))
    masters = {
        name: weight.data_ptr() for name, weight in pipe.unet.named_parameters() if "lora" in name
    }
    used: set[bool] = set()
    for name, layer in pipe.unet.named_modules():
        if f"{name}.weight" in masters:
            layer.register_forward_hook(
                lambda layer, *_, name=name: used.add(
                    layer.weight.data_ptr() == masters[f"{name}.weight"]
                ),
                prepend=True,
            )
    [alone] = paint(family, wearing(("ink", 1.0)))
    beside = paint(family, wearing(), wearing(("ink", 1.0)))
    assert used == {False}, "copies on the device are used, never the masters"
    expected = by_diffusers(plain_pipe, loras, wearing(("ink", 1.0)))
    assert difference(alone, expected) == 0
    assert difference(beside[1], expected) <= ONE_LEVEL
