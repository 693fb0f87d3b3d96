"""LoRA files of each kind paint what a pipeline paints whose weights were changed by hand."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from safetensors.torch import save_file

from engine.diffusion.families.flux import Flux
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.lora.factors import KINDS, OTHER_KINDS
from engine.errors import InvalidRequest
from engine.jobs.recipe import AdapterUse, Recipe
from engine.models.adapters import AdapterCatalogue
from tests.engine.builders import recipe
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference, paint, parts
from tests.tiny.flux import flux

Made = tuple[dict[str, torch.Tensor], torch.Tensor]
"""Parts of a file, and the weight that the layer is to have."""

RANK = 3


def random(*shape: int, scale: float = 0.3) -> torch.Tensor:
    return torch.randn(*shape) * scale


def lora(weight: torch.Tensor, alpha: float) -> Made:
    down, up = random(RANK, weight.shape[1]), random(len(weight), RANK)
    parts = {"lora_down.weight": down, "lora_up.weight": up, "alpha": torch.tensor(alpha)}
    return parts, weight + up @ down * (alpha / RANK)


def dora(weight: torch.Tensor, alpha: float, axis: int, name: str = "dora_scale") -> Made:
    parts, changed = lora(weight, alpha)
    magnitude = weight.norm(dim=axis, keepdim=True) * (1 + random(1).abs())
    return parts | {name: magnitude}, magnitude * changed / changed.norm(dim=axis, keepdim=True)


def loha(weight: torch.Tensor, alpha: float, rank: int) -> Made:
    a1, a2 = random(len(weight), rank), random(len(weight), rank)
    b1, b2 = random(rank, weight.shape[1]), random(rank, weight.shape[1])
    parts = {"hada_w1_a": a1, "hada_w1_b": b1, "hada_w2_a": a2, "hada_w2_b": b2}
    changed = weight + (a1 @ b1) * (a2 @ b2) * (alpha / rank)
    return parts | {"alpha": torch.tensor(alpha)}, changed


def lokr(weight: torch.Tensor, alpha: float, *, whole: bool) -> Made:
    one, rows, columns = random(2, 2), len(weight) // 2, weight.shape[1] // 2
    a, b = random(rows, RANK), random(RANK, columns)
    if whole:
        parts = {"lokr_w1": one, "lokr_w2": a @ b, "alpha": torch.tensor(alpha)}
        return parts, weight + torch.kron(one, a @ b)
    parts = {"lokr_w1": one, "lokr_w2_a": a, "lokr_w2_b": b, "alpha": torch.tensor(alpha)}
    return parts, weight + torch.kron(one, a @ b) * (alpha / RANK)


def locon(weight: torch.Tensor, alpha: float) -> Made:
    down, up = random(RANK, weight.shape[1], 1, 1), random(len(weight), RANK, 1, 1)
    mid = random(RANK, RANK, *weight.shape[2:])
    parts = {"lora_down.weight": down, "lora_mid.weight": mid, "lora_up.weight": up}
    delta = torch.einsum("or,rskl,si->oikl", up[..., 0, 0], mid, down[..., 0, 0])
    return parts | {"alpha": torch.tensor(alpha)}, weight + delta * (alpha / RANK)


def full(weight: torch.Tensor, alpha: float) -> Made:
    diff = random(*weight.shape, scale=0.1)
    return {"diff": diff}, weight + diff


MAKERS: Mapping[str, Callable[[torch.Tensor, float], Made]] = {
    "LoRA": lora,
    "LoCon (CP)": locon,
    "DoRA": lambda weight, alpha: dora(weight, alpha, axis=1),
    "DoRA of columns": lambda weight, alpha: dora(weight, alpha, axis=0),
    "DoRA of Diffusers": lambda w, alpha: dora(w, alpha, 1, "lora_magnitude_vector"),
    "LoHa": lambda weight, alpha: loha(weight, alpha, 2),
    "LoHa of high rank": lambda weight, alpha: loha(weight, alpha, 12),
    "LoKr": lambda weight, alpha: lokr(weight, alpha, whole=False),
    "LoKr, whole": lambda weight, alpha: lokr(weight, alpha, whole=True),
    "full difference": full,
}


@pytest.fixture(scope="module")
def sd(tiny_model: Path) -> Callable[[], Any]:
    def load() -> Any:
        pipe: Any = diffusers.StableDiffusionPipeline.from_pretrained(tiny_model)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    return load


def asked(name: str | None = None, weight: float = 1.0, **changes: Any) -> Recipe:
    uses = (AdapterUse(name, weight),) if name else ()
    return recipe(num_inference_steps=2, adapters=uses, **changes)


def build(
    pipe: Any, make: Callable[[torch.Tensor, float], Made], ends: tuple[str, ...]
) -> dict[str, torch.Tensor]:
    """A file in kohya's names with another alpha for each layer; changes `pipe` to match it."""
    torch.manual_seed(5)
    tensors: dict[str, torch.Tensor] = {}
    components = {"lora_unet_": pipe.unet, "lora_te_text_model_": pipe.text_encoder}
    for prefix, component in components.items():
        for i, (name, layer) in enumerate(component.named_modules()):
            if name.endswith(ends) and hasattr(layer, "weight"):
                own, changed = make(layer.weight.detach(), 1.0 + i % 3)
                layer.weight.data.copy_(changed)
                flat = name.removeprefix("text_model.").replace(".", "_")
                tensors |= {f"{prefix}{flat}.{part}": tensor for part, tensor in own.items()}
    return tensors


@pytest.mark.parametrize("kind", MAKERS)
def test_a_file_of_each_kind_is_added_to_the_weights_exactly(
    sd: Callable[[], Any], tmp_path: Path, kind: str
) -> None:
    by_hand, pipe = sd(), sd()
    ends = ("conv1",) if kind == "LoCon (CP)" else ("to_q", "to_v", "q_proj", "fc1")
    tensors = build(by_hand, MAKERS[kind], ends)
    save_file(
        {name: tensor.contiguous() for name, tensor in tensors.items()}, tmp_path / "it.safetensors"
    )
    family = StableDiffusion(pipe, parts(pipe), None, adapters=AdapterCatalogue(folder=tmp_path))
    alone, [plain, beside, half] = (
        paint(family, asked("it"))[0],
        paint(family, asked(), asked("it"), asked("it", 0.5)),
    )
    [expected] = paint(StableDiffusion(by_hand, parts(by_hand), None), asked())
    assert difference(alone, expected) <= ONE_LEVEL
    assert difference(alone, plain) > 2 * ONE_LEVEL
    assert difference(beside, expected) <= ONE_LEVEL, "in a batch with rows that lack it"
    assert difference(half, expected) > ONE_LEVEL


def test_every_kind_that_is_read_is_painted_here() -> None:
    assert set(KINDS.values()) <= set(MAKERS)


def test_alphas_in_the_header_of_a_file_of_diffusers_count(
    sd: Callable[[], Any], tmp_path: Path
) -> None:
    by_hand, pipe = sd(), sd()
    tensors, first = {}, None
    for name, layer in by_hand.unet.named_modules():
        if name.endswith("to_q"):
            first = first or name
            made, changed = lora(layer.weight.detach(), 2.0 if name == first else 6.0)
            layer.weight.data.copy_(changed)
            tensors[f"unet.{name}.lora_A.weight"] = made["lora_down.weight"]
            tensors[f"unet.{name}.lora_B.weight"] = made["lora_up.weight"]
    config = {"unet.r": RANK, "unet.lora_alpha": 6, "unet.alpha_pattern": {first: 2}}
    header = {"format": "pt", "lora_adapter_metadata": json.dumps(config)}
    save_file(tensors, tmp_path / "it.safetensors", metadata=header)
    family = StableDiffusion(pipe, parts(pipe), None, adapters=AdapterCatalogue(folder=tmp_path))
    [expected] = paint(StableDiffusion(by_hand, parts(by_hand), None), asked())
    assert difference(paint(family, asked("it"))[0], expected) <= ONE_LEVEL


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ("oft_blocks", "of the kind OFT"),
        ("diff_b", r"1 of its parts aren't supported, such as lora_unet_.*\.diff_b"),
    ],
)
def test_what_nothing_reads_is_named(
    sd: Callable[[], Any], tmp_path: Path, part: str, sentence: str
) -> None:
    tensors = build(sd(), lora, ("to_q",))
    stem = next(iter(tensors)).split(".")[0]
    save_file(tensors | {f"{stem}.{part}": torch.ones(4)}, tmp_path / "it.safetensors")
    pipe = sd()
    family = StableDiffusion(pipe, parts(pipe), None, adapters=AdapterCatalogue(folder=tmp_path))
    with pytest.raises(InvalidRequest, match=sentence):
        paint(family, asked("it"))


def test_flux_takes_its_layers_in_one_with_dora_and_t5(tmp_path: Path) -> None:
    folder = flux(tmp_path / "flux")
    by_hand: Any = diffusers.FluxPipeline.from_pretrained(folder)
    pipe: Any = diffusers.FluxPipeline.from_pretrained(folder)
    torch.manual_seed(6)
    attention = by_hand.transformer.transformer_blocks[0].attn
    fused = [attention.to_q, attention.to_k, attention.to_v]
    made, changed = dora(torch.cat([layer.weight.detach() for layer in fused]), 2.0, axis=1)
    for layer, weight in zip(fused, changed.chunk(3), strict=True):
        layer.weight.data.copy_(weight)
    words = by_hand.text_encoder_2.encoder.block[0].layer[0].SelfAttention.q
    spoken, changed = lora(words.weight.detach(), 1.0)
    words.weight.data.copy_(changed)
    names = {
        "lora_unet_double_blocks_0_img_attn_qkv": made,
        "lora_te3_encoder_block_0_layer_0_SelfAttention_q": spoken,
    }
    tensors = {f"{name}.{part}": own for name, made in names.items() for part, own in made.items()}
    save_file(tensors, tmp_path / "it.safetensors")
    family = Flux(pipe, parts(pipe), None, adapters=AdapterCatalogue(folder=tmp_path))
    plain = asked(scheduler="default")
    alone, beside = (
        paint(family, asked("it", scheduler="default"))[0],
        paint(family, plain, asked("it", scheduler="default"))[1],
    )
    [expected] = paint(Flux(by_hand, parts(by_hand), None), plain)
    assert difference(alone, expected) <= ONE_LEVEL
    assert difference(beside, expected) <= ONE_LEVEL
    assert difference(alone, paint(family, plain)[0]) > 2 * ONE_LEVEL
    assert family._adapters._traits["it"].components == {"transformer", "text_encoder_2"}


@pytest.mark.parametrize("page", ["docs/models.md", "docs/zh-CN/models.md"])
def test_the_manual_lists_the_kinds(page: str) -> None:
    text = (Path(__file__).parents[3] / page).read_text(encoding="utf-8")
    for kind in {*KINDS.values(), *OTHER_KINDS.values()}:
        assert f"| {kind} |" in text, kind
