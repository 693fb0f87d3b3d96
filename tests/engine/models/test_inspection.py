"""What is in a model is told from headers: on disk, in a checkpoint, and on the Hub."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import ModelUnavailable
from engine.hub import CorruptFile, HubClient, download, origin
from engine.memory.components import Component, Role
from engine.memory.plan import Quantization
from engine.models.inspection import Inspection, inspect
from engine.models.model import Model
from engine.settings import ModelSettings
from tests.engine.hub import weights
from tests.engine.hub.conftest import UNET
from tests.hub_server import HubServer, Repository
from tests.tiny import modular

FOX = origin("someone/fox")


def by_name(seen: Inspection) -> dict[str, Component]:
    return {part.name: part for part in seen.components}


def test_a_folder_is_counted_as_torch_counts_it(tiny_model: Path) -> None:
    from diffusers import UNet2DConditionModel

    seen = inspect(origin(str(tiny_model)))
    assert (seen.pipeline, seen.family) == ("StableDiffusionPipeline", "sd")
    parts = by_name(seen)
    assert {name: part.role for name, part in parts.items()} == {
        "text_encoder": Role.TEXT_ENCODER,
        "unet": Role.DENOISER,
        "vae": Role.VAE,
    }
    unet: Any = UNet2DConditionModel.from_pretrained(tiny_model / "unet")
    blocks = [
        block
        for stage in (*unet.down_blocks, *unet.up_blocks, unet.mid_block)
        for kind in ("resnets", "attentions")
        for block in getattr(stage, kind, ())
    ]
    assert parts["unet"].class_name == "UNet2DConditionModel"
    assert parts["unet"].parameters == unet.num_parameters()
    assert parts["unet"].largest_block == max(
        sum(number.numel() for number in block.parameters()) for block in blocks
    )
    assert parts["unet"].stored_bytes == (tiny_model / UNET).stat().st_size
    assert (seen.download_bytes, seen.gated) == (0, False)
    assert seen.total_bytes > sum(part.stored_bytes for part in seen.components)


def test_the_hub_tells_the_same_before_the_download(
    server: HubServer, hub: HubClient, fox: Repository, tiny_model: Path
) -> None:
    away, local = inspect(FOX, hub), inspect(origin(str(tiny_model)))
    assert away.components == local.components
    assert (away.pipeline, away.family, away.total_bytes) == (
        local.pipeline,
        local.family,
        local.total_bytes,
    )
    assert away.download_bytes == away.total_bytes
    assert (away.licence, away.licence_link) == ("fox-1", "https://fox")
    assert server.sent(UNET) <= 100_001, "only headers are asked for"


def test_what_is_here_already_does_not_count_as_to_come(
    hub: HubClient, fox: Repository, tiny_model: Path, server: HubServer
) -> None:
    download(FOX, hub)
    server.asked.clear()
    assert inspect(FOX, hub).download_bytes == 0
    assert server.asked == []
    fox.put(UNET, fox.files[UNET].content + b"")
    fox.put("vae/config.json", b"{}")
    newer = origin("someone/fox", revision=fox.commit)
    assert inspect(newer, hub).download_bytes == 2


def test_the_card_of_a_folder_names_the_licence(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "copy")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Fox\n")
    assert inspect(origin(str(folder))).licence == "apache-2.0"


def test_a_gated_model_is_marked(hub: HubClient, fox: Repository, server: HubServer) -> None:
    fox.gated = True
    server.members.add("hf_member")
    assert inspect(FOX, HubClient(server.endpoint, "hf_member")).gated


@pytest.mark.parametrize(
    ("shapes", "generation", "pipeline", "family", "names"),
    [
        (
            weights.SD1,
            "Stable Diffusion 1.x",
            "StableDiffusionPipeline",
            "sd",
            ["text_encoder", "unet", "vae"],
        ),
        (
            weights.SD2,
            "Stable Diffusion 2.x",
            "StableDiffusionPipeline",
            "sd",
            ["text_encoder", "unet", "vae"],
        ),
        (
            weights.SDXL,
            "Stable Diffusion XL",
            "StableDiffusionXLPipeline",
            "sdxl",
            ["text_encoder", "text_encoder_2", "unet", "vae"],
        ),
        (
            {**weights.SD1, weights.UNET + "input_blocks.0.0.weight": (320, 9, 3, 3)},
            "Stable Diffusion 1.x",
            "StableDiffusionInpaintPipeline",
            "sd",
            ["text_encoder", "unet", "vae"],
        ),
    ],
)
def test_a_checkpoint_is_known_by_its_keys(
    tmp_path: Path,
    shapes: weights.Shapes,
    generation: str,
    pipeline: str,
    family: str,
    names: list[str],
) -> None:
    seen = inspect(origin(str(weights.save(tmp_path / "x.safetensors", shapes))))
    assert (seen.generation, seen.pipeline, seen.family) == (generation, pipeline, family)
    assert list(by_name(seen)) == names


def test_a_checkpoint_is_counted_by_component(tmp_path: Path) -> None:
    seen = by_name(inspect(origin(str(weights.save(tmp_path / "x.safetensors", weights.SD1)))))
    unet = 320 * 4 * 9 + 320 * 768 + 320 * 320 + 320 * 320 * 9
    assert seen["unet"].parameters == unet
    assert seen["unet"].stored_bytes == 2 * unet
    assert seen["unet"].largest_block == 320 * 320 * 9
    assert seen["text_encoder"].largest_block == 3072 * 768


FLUX = {
    weights.UNET + "double_blocks.0.img_attn.qkv.weight": (9216, 3072),
    "text_encoders.t5xxl.transformer.shared.weight": (10, 16),
    "vae.decoder.conv_in.weight": (4, 16, 3, 3),
}
"""FLUX all in one, for ComfyUI's checkpoint loader."""


def with_channels(number: int) -> weights.Shapes:
    """A checkpoint whose UNet has that many input channels."""
    return {**weights.SD1, weights.UNET + "input_blocks.0.0.weight": (320, number, 3, 3)}


def test_of_a_checkpoint_as_a_denoiser_the_rest_is_told(tmp_path: Path, tiny_model: Path) -> None:
    file = weights.save(tmp_path / "one.safetensors", FLUX)
    seen = inspect(origin(str(tiny_model), denoiser=str(file)))
    assert seen.unused == tuple(name for name in FLUX if not name.startswith(weights.UNET))
    [denoiser] = [part for part in seen.components if part.role is Role.DENOISER]
    assert denoiser.parameters == 9216 * 3072
    edit = weights.save(tmp_path / "edit.safetensors", with_channels(8))
    with pytest.raises(ModelUnavailable, match="InstructPix2Pix"):
        inspect(origin(str(tiny_model), denoiser=str(edit)))


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"lora_unet_down_blocks_0.lora_down.weight": (4, 320)}, "is a LoRA, not a model"),
        ({"lora_unet_down_blocks_0.hada_w1_a": (4, 4)}, "is a LoRA, not a model"),
        ({"transformer.layers.0.weight": (4, 4)}, "isn't a Stable Diffusion"),
        ({"decoder.conv_in.weight": (4, 4, 3, 3)}, "is a VAE, not a model"),
        ({"control_model.zero_convs.0.0.weight": (4, 4, 1, 1)}, "is a ControlNet, not a model"),
        ({"emb_params": (8, 768)}, "is an embedding, not a model"),
        ({"model.1.sub.0.RDB1.conv1.0.weight": (4, 4, 3, 3)}, "is an upscaler, not a model"),
        (FLUX, r"holds FLUX\.1, .+ such as black-forest-labs/FLUX\.1-dev, as the source and this"),
        ({weights.UNET + "joint_blocks.0.x.weight": (4,)}, "holds Stable Diffusion 3, of which"),
        (with_channels(5), "paints by a depth map"),
        (with_channels(7), "is an upscaler"),
        (with_channels(8), r"edits pictures by instructions \(InstructPix2Pix\)"),
        (with_channels(13), "a UNet with 13 input channels"),
        ({**weights.SDXL, "edm_vpred.sigma_max": (1,)}, "noise schedule of EDM"),
        ({**weights.SD1, weights.UNET + "out.2.weight.absmax": (4,)}, "quantized with bitsandb"),
        ({**weights.SD1, weights.UNET + "out.2.weight_scale_2": (1,)}, "quantized with NVFP4"),
        ({weights.UNET + "out.2.weight": (4, 4)}, "has no known text encoder"),
        ({k: v for k, v in weights.SD1.items() if k != weights.VAE_KEY}, "has no VAE"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_called_what_it_is(
    tmp_path: Path, shapes: weights.Shapes, words: str
) -> None:
    with pytest.raises(ModelUnavailable, match=words):
        inspect(origin(str(weights.save(tmp_path / "x.safetensors", shapes))))


@pytest.mark.parametrize(
    ("class_name", "config", "facts"),
    [
        ("AutoencoderKL", {}, (True, 512)),
        ("AutoencoderKL", {"sample_size": 1024, "force_upcast": False}, (False, 1024)),
        ("AutoencoderKL", {"sample_size": [768, 512]}, (True, 512)),
        ("AutoencoderDC", {"sample_size": 32}, (True, 512)),
        ("AutoencoderKLQwenImage", {}, (True, 256)),
    ],
)
def test_the_configuration_of_a_vae_tells_its_tiles_and_its_precision(
    tiny_model: Path, tmp_path: Path, class_name: str, config: dict[str, Any], facts: object
) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "copy")
    index = folder / "model_index.json"
    index.write_text(index.read_text().replace("AutoencoderKL", class_name))
    (folder / "vae" / "config.json").write_text(json.dumps(config))
    vae = by_name(inspect(origin(str(folder))))["vae"]
    assert (vae.force_upcast, vae.tile_side) == facts


def gguf(path: Path) -> Path:
    """A denoiser of two blocks, by the reference implementation of the format."""
    from gguf import GGMLQuantizationType, GGUFWriter

    writer = GGUFWriter(path, "flux")
    writer.add_string("general.name", "fox")
    writer.add_array("some.list", [1, 2, 3])
    writer.add_array("some.words", ["a", "b"])
    writer.add_tensor("img_in.weight", np.zeros((64, 32), np.float32))
    rows = np.zeros((64, 256 // 32 * 34), np.uint8)
    for block in range(2):
        writer.add_tensor(
            f"double_blocks.{block}.qkv.weight", rows, raw_dtype=GGMLQuantizationType.Q8_0
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_gguf_file_takes_the_denoisers_place(tmp_path: Path, tiny_model: Path) -> None:
    stand_in = gguf(tmp_path / "fox-Q8_0.gguf")
    seen = inspect(origin(str(tiny_model), denoiser=str(stand_in)))
    unet = by_name(seen)["unet"]
    assert (unet.role, unet.class_name) == (Role.DENOISER, "UNet2DConditionModel")
    assert unet.parameters == 64 * 32 + 2 * 64 * 256
    assert unet.largest_block == 64 * 256
    assert unet.stored_as is Quantization.GGUF
    assert unet.stored_bytes == stand_in.stat().st_size
    assert seen.files[-1] == "fox-Q8_0.gguf"
    assert UNET not in seen.files


def test_a_gguf_file_on_the_hub_is_read_by_its_header(
    server: HubServer,
    hub: HubClient,
    tmp_path: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.hub.client.GGUF_CHUNK", 64)
    (tmp_path / "lone").mkdir()
    local = gguf(tmp_path / "lone" / "fox.gguf")
    server.add("other/fox", tmp_path / "lone")
    away = inspect(origin(str(tiny_model), denoiser="other/fox/fox.gguf"), hub)
    near = inspect(origin(str(tiny_model), denoiser=str(local)))
    assert away.components == near.components
    assert away.download_bytes == (tmp_path / "lone" / "fox.gguf").stat().st_size


def test_a_cut_off_file_is_named(tmp_path: Path, tiny_model: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "copy")
    content = (folder / UNET).read_bytes()
    for length in (4, 1000, len(content) - 1):
        (folder / UNET).write_bytes(content[:length])
        with pytest.raises(CorruptFile, match=rf"{UNET} .+ Download it again"):
            inspect(origin(str(folder)))
    stand_in = gguf(tmp_path / "fox.gguf")
    whole = stand_in.read_bytes()
    for length in (2, 40, len(whole) - 1000):
        stand_in.write_bytes(whole[:length])
        with pytest.raises(CorruptFile, match=r"fox\.gguf .+ Download it again"):
            inspect(origin(str(tiny_model), denoiser=str(stand_in)))


def test_a_folder_that_is_no_pipeline_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"isn't a pipeline: it has no model_index\.json"):
        inspect(origin(str(tmp_path)))


@pytest.mark.parametrize(
    ("pipeline", "why"),
    [
        ("StableDiffusionControlNetPipeline", "needs a control picture"),
        ("WanPipeline", "makes videos"),
        ("MyOwnPipeline", "isn't a pipeline of the installed Diffusers"),
        (["my_pipeline", "MyPipeline"], "Code from repositories is never run"),
    ],
)
def test_a_pipeline_that_needs_more_than_a_prompt_or_other_code_is_refused(
    pipeline: str | list[str], why: str, tiny_model: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"_class_name": pipeline}))
    with pytest.raises(ModelUnavailable, match=why):
        inspect(origin(str(folder)))


@pytest.fixture(scope="module")
def anima(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that only has the index of a modular pipeline."""
    return modular.anima(tmp_path_factory.mktemp("modular") / "model")


def test_a_model_for_modular_pipelines_alone_is_told_by_its_own_index(anima: Path) -> None:
    seen = inspect(origin(str(anima)))
    assert (seen.pipeline, seen.family) == ("AnimaModularPipeline", None)
    assert {part.name: part.role for part in seen.components} == {
        "text_encoder": Role.TEXT_ENCODER,
        "text_conditioner": Role.OTHER,
        "transformer": Role.DENOISER,
        "vae": Role.VAE,
    }
    assert seen.files[0] == "modular_model_index.json"
    model = Model.of("new", ModelSettings(source=str(anima)))
    assert model.whole is not None
    assert (model.whole.name, model.num_inference_steps) == ("AnimaModularPipeline", 50)
    assert (model.guidance_scale, model.width) == (4.0, 1024)
    assert seen.total_bytes == sum(file.stat().st_size for file in anima.rglob("*.*"))


def _moved(index: dict[str, Any], **spec: Any) -> None:
    index["vae"][2] |= spec


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda index: index.pop("transformer"), "Missing: the folder transformer"),
        (
            lambda index: _moved(index, subfolder="../vae"),
            r"the folder \.\./vae \(of owner/modular",
        ),
        (lambda index: _moved(index, type_hint=["my_code", "VAE"]), "Its vae needs code"),
        (lambda index: _moved(index, type_hint=[None, None]), "Its vae needs code"),
        (
            lambda index: index.update(_blocks_class_name="MyBlocks"),
            "modular_model_index.json needs",
        ),
        (lambda index: index.update(_class_name=["own", "Own"]), "_index.json needs code"),
        (lambda index: index.update(_class_name="ModularPipeline"), "isn't a pipeline of the inst"),
        (lambda index: index.update(_class_name="MyModularPipeline"), "isn't a pipeline of the in"),
        (lambda index: index.update(_class_name="WanModularPipeline"), "makes videos"),
        (
            lambda index: index.update(_class_name="QwenImageEditPlusModularPipeline"),
            "needs more than a prompt: image",
        ),
        (
            lambda index: index.update(_class_name="StableDiffusionPipeline"),
            r"modular_model_index\.json doesn't name a pipeline",
        ),
        (lambda index: index.pop("_class_name"), "modular_model_index.json doesn't name a pipe"),
    ],
)
def test_a_modular_index_that_cannot_be_followed_is_refused(
    change: Callable[[dict[str, Any]], object], why: str, anima: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(anima, tmp_path / "model")
    modular.rewrite(folder, change)
    with pytest.raises(ModelUnavailable, match=why):
        inspect(origin(str(folder)))


def test_a_modular_pipeline_with_blocks_of_its_own_is_refused(anima: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(anima, tmp_path / "model")
    (folder / "modular_config.json").write_text('{"auto_map": {"ModularPipelineBlocks": "b.B"}}')
    with pytest.raises(ModelUnavailable, match=r"Its modular_config\.json needs code that isn't"):
        inspect(origin(str(folder)))


def test_an_ordinary_index_counts_before_a_modular_one(
    tiny_model: Path, anima: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    shutil.copy(anima / "modular_model_index.json", folder)
    assert inspect(origin(str(folder))).family == "sd"
