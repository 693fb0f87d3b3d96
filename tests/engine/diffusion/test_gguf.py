"""A GGUF file as the denoiser of a pipeline: its weights stay quantized, its pictures close."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FluxTransformer2DModel, ZImageTransformer2DModel
from gguf import GGMLQuantizationType, GGUFWriter
from torch import nn

from engine.devices.executor_setup import ExecutorSetup
from engine.diffusion import Device
from engine.diffusion.families import family_of
from engine.diffusion.loader import LoadedModel, ModelLoader
from engine.diffusion.offload import OffloadedComponents
from engine.diffusion.offload.weights import size_of
from engine.errors import ModelUnavailable
from engine.memory.plan import ComponentPlacement, Plan, Quantization, Residence
from tests.engine.builders import engine_settings, model, recipe
from tests.engine.diffusion.families.parity import difference, paint
from tests.tiny.flux import flux
from tests.tiny.quantized import gguf
from tests.tiny.z_image import z_image

Kind = GGMLQuantizationType

ASKED = recipe(guidance_scale=3.5, num_inference_steps=3, scheduler="default")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A FLUX.1 pipeline."""
    return flux(tmp_path_factory.mktemp("flux"))


@pytest.fixture(scope="module")
def files(folder: Path) -> dict[Kind, Path]:
    """Its denoiser in some quantizations."""
    weights = FluxTransformer2DModel.from_pretrained(folder / "transformer").state_dict()
    return {
        kind: gguf(folder / f"fox-{kind.name}.gguf", weights, kind)
        for kind in (Kind.Q8_0, Kind.Q5_1, Kind.Q4_0)
    }


def load(source: Path, **changes: Any) -> LoadedModel:
    wanted = engine_settings()
    loader = ModelLoader(ExecutorSetup(settings=wanted), Device.choose(wanted))
    return loader.load(model(source, scheduler="default", **changes), lambda nbytes: None)


@pytest.mark.parametrize(
    ("kind", "share", "near"),
    [(Kind.Q8_0, 0.40, 12), (Kind.Q5_1, 0.32, 60), (Kind.Q4_0, 0.30, 120)],
)
def test_weights_stay_quantized_and_paint_nearly_the_same(
    folder: Path, files: dict[Kind, Path], kind: Kind, share: float, near: int
) -> None:
    plain, quantized = load(folder), load(folder, denoiser=str(files[kind]))
    assert type(quantized.family).__name__ == "Flux"
    [exact], [close] = paint(plain.family, ASKED), paint(quantized.family, ASKED)
    assert size_of(quantized.pipe.transformer) < share * size_of(plain.pipe.transformer)
    assert 0 < difference(exact, close) < near


PLANS: dict[str, tuple[Residence, float]] = {
    "stays": (Residence.RESIDENT, 1.0),
    "visits": (Residence.OFFLOADED, 1.0),
    "half streamed": (Residence.STREAMED, 0.5),
    "all streamed": (Residence.STREAMED, 0.0),
}


@pytest.mark.parametrize("name", PLANS)
def test_quantized_weights_come_and_go_as_others_do(
    folder: Path, files: dict[Kind, Path], name: str
) -> None:
    loaded = load(folder, denoiser=str(files[Kind.Q8_0]))
    [expected] = paint(loaded.family, ASKED)
    residence, share = PLANS[name]

    def place(part: nn.Module, residence: Residence, **how: Any) -> ComponentPlacement:
        size = size_of(part)
        return ComponentPlacement(
            residence=residence, weight_bytes=size, resident_bytes=int(size * share), **how
        )

    pipe = loaded.pipe
    before = [tensor.data_ptr() for tensor in pipe.transformer.parameters()]
    plan = Plan(
        dtype="float32",
        places={
            "text_encoder": place(pipe.text_encoder, Residence.OFFLOADED),
            "text_encoder_2": place(pipe.text_encoder_2, Residence.OFFLOADED),
            "transformer": place(pipe.transformer, residence, quantization=Quantization.GGUF),
            "vae": place(pipe.vae, Residence.RESIDENT),
        },
    )
    parts = OffloadedComponents(pipe, torch.device("cpu"), plan)
    family = family_of(pipe, parts, None)
    for _ in range(2):
        [painted] = paint(family, ASKED)
        assert difference(painted, expected) == 0
        parts.release()
    parts.detach()
    assert [tensor.data_ptr() for tensor in pipe.transformer.parameters()] == before


def test_a_file_in_the_layout_of_the_models_makers_is_converted(tmp_path: Path) -> None:
    """Theirs has queries, keys and values in one matrix, which is parted while quantized."""
    folder = z_image(tmp_path / "z_image")
    state = ZImageTransformer2DModel.from_pretrained(folder / "transformer").state_dict()
    file = gguf(tmp_path / "fox.gguf", of_its_makers(state), Kind.Q8_0)
    plain, quantized = load(folder), load(folder, denoiser=str(file))
    assert size_of(quantized.pipe.transformer) < 0.5 * size_of(plain.pipe.transformer)
    [exact], [close] = paint(plain.family, ASKED), paint(quantized.family, ASKED)
    assert 0 < difference(exact, close) < 12


def of_its_makers(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of a Z-Image transformer under the names that its makers gave them."""
    named = {}
    for name, tensor in state.items():
        new = name.replace("all_final_layer.2-1.", "final_layer.")
        new = new.replace("all_x_embedder.2-1.", "x_embedder.")
        new = new.replace(".attention.to_out.0.", ".attention.out.")
        new = new.replace(".attention.norm_q.", ".attention.q_norm.")
        new = new.replace(".attention.norm_k.", ".attention.k_norm.")
        if ".attention.to_q." in name:
            parts = [state[name.replace("to_q", f"to_{part}")] for part in "qkv"]
            named[new.replace("to_q", "qkv")] = torch.cat(parts)
        elif ".attention.to_" not in new:
            named[new] = tensor
    return named


def test_a_file_of_another_model_is_refused(folder: Path, tmp_path: Path) -> None:
    file = gguf(tmp_path / "other.gguf", {"blocks.0.weight": torch.zeros(32, 32)}, Kind.Q8_0)
    with pytest.raises(ModelUnavailable, match=r"other\.gguf doesn't fit") as caught:
        load(folder, denoiser=str(file))
    assert "\n" not in str(caught.value)


def test_a_quantization_that_cannot_be_computed_with_is_named(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "fox-IQ3_S.gguf"
    writer = GGUFWriter(file, "diffusion")
    rows = np.zeros((32, 110), np.uint8)
    writer.add_tensor("double_blocks.0.img_attn.qkv.weight", rows, raw_dtype=Kind.IQ3_S)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ModelUnavailable, match=r"quantized as IQ3_S, .+ Use a file"):
        load(folder, denoiser=str(file))


def test_without_the_package_it_is_told_what_to_install(
    folder: Path, files: dict[Kind, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(ModelUnavailable, match=r"pip install 'atelier\[gguf\]'"):
        load(folder, denoiser=str(files[Kind.Q8_0]))
