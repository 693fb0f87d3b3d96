"""Pipelines that Diffusers only has as modular ones, with tiny random weights."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import diffusers
import torch
from diffusers import (
    AnimaTextConditioner,
    CosmosTransformer3DModel,
    FlowMatchEulerDiscreteScheduler,
    Flux3Transformer2DModel,
)
from transformers import Qwen3Model, Qwen3VLForConditionalGeneration

from benchmarks.tokenizers import qwen3_tokenizer, t5_tokenizer
from tests.tiny import flux2_klein, qwen3, qwen_image, qwen_image_21
from tests.tiny.vision import processor

INDEX = "modular_model_index.json"
REPOSITORY = "owner/modular"
"""Where the index says that the components are from, as one on the Hub does."""


def anima(folder: Path) -> Path:
    """Save an `AnimaModularPipeline`: start pictures with a strength, a guider, LoRAs."""
    torch.manual_seed(0)
    pieces = t5_tokenizer()
    transformer: Any = CosmosTransformer3DModel(
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=16,
        num_layers=1,
        mlp_ratio=2,
        text_embed_dim=16,
        adaln_lora_dim=8,
        max_size=(4, 32, 32),
        rope_scale=(1.0, 4.0, 4.0),
        extra_pos_embed_type=None,
    )
    wake(transformer)
    conditioner = AnimaTextConditioner(
        source_dim=16,
        target_dim=16,
        model_dim=16,
        num_layers=1,
        num_attention_heads=2,
        target_vocab_size=len(pieces),
        min_sequence_length=16,
    )
    wake(conditioner)
    return _save(
        "AnimaAutoBlocks",
        folder,
        text_encoder=Qwen3Model(qwen3.config(layers=1)),
        tokenizer=qwen3_tokenizer(),
        t5_tokenizer=pieces,
        text_conditioner=conditioner,
        transformer=transformer,
        vae=qwen_image.vae(),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
    )


def flux3(folder: Path) -> Path:
    """Save a `Flux3ModularPipeline`: references, a guider, LoRAs, no prompt upsampler."""
    return _flux3("Flux3AutoBlocks", folder, flow_map=False)


def flux3_distilled(folder: Path) -> Path:
    """Save a `Flux3DistilledModularPipeline`: the same without guidance."""
    return _flux3("Flux3DistilledAutoBlocks", folder, flow_map=True)


def _flux3(blocks: str, folder: Path, *, flow_map: bool) -> Path:
    torch.manual_seed(0)
    letters = qwen3_tokenizer(vision=True)
    transformer: Any = Flux3Transformer2DModel(
        in_channels=16,
        cond_in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=8 * 16,
        timestep_channels=32,
        axes_dims_rope=(4, 4, 4, 4),
        flow_map=flow_map,
    )
    wake(transformer)
    reads = {"patch_size": 16, "size": qwen_image_21.PIXELS}
    return _save(
        blocks,
        folder,
        text_encoder=Qwen3VLForConditionalGeneration(
            qwen_image_21.text_config(letters, layers=FLUX3_LAYERS)
        ),
        tokenizer=processor(folder / "tokenizer", "Qwen3VLProcessor", letters, **reads),
        transformer=transformer,
        vae=flux2_klein.vae(),
    )


FLUX3_LAYERS = 32
"""The last of those whose hidden states FLUX.3 reads."""


def wake(model: torch.nn.Module) -> None:
    """Give weights to layers that begin with none, so that times and words matter."""
    for weight in model.parameters():
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.3)


def _save(blocks: str, folder: Path, **components: Any) -> Path:
    pipe = getattr(diffusers, blocks)().init_pipeline()
    pipe.update_components(**components)
    pipe.save_pretrained(str(folder), overwrite_modular_index=True)
    rewrite(folder, lambda index: None)
    return folder


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Write the index of `folder` anew, as the Hub has it, after `change`."""
    file = folder / INDEX
    index = json.loads(file.read_text())
    for entry in index.values():
        if isinstance(entry, list) and entry[2].get("pretrained_model_name_or_path"):
            entry[2]["pretrained_model_name_or_path"] = REPOSITORY
    change(index)
    file.write_text(json.dumps(index))


BUILDERS: Mapping[str, Callable[[Path], Path]] = MappingProxyType(
    {
        "AnimaModularPipeline": anima,
        "Flux3ModularPipeline": flux3,
        "Flux3DistilledModularPipeline": flux3_distilled,
    }
)
"""By the class that they save."""
