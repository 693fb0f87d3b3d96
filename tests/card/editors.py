"""Full-size pipelines that take reference pictures, as they are published."""

from pathlib import Path
from typing import Any

import diffusers
import transformers

from benchmarks.memory_models import ARCHITECTURES
from benchmarks.memory_parts import on_cpu
from benchmarks.tokenizers import qwen3_tokenizer
from tests.tiny.vision import processor

NO_ENDS = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}


def flow_scheduler() -> Any:
    """Shifted by the size of the picture."""
    return on_cpu(lambda: diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True))


def kontext(folder: Path) -> Any:
    """FLUX.1 Kontext, which is made of what FLUX.1 [dev] is."""
    parts = ARCHITECTURES["flux"](folder).components
    parts["transformer"] = diffusers.FluxTransformer2DModel(guidance_embeds=True)
    parts["scheduler"] = flow_scheduler()
    return diffusers.FluxKontextPipeline(**parts)


def klein(_: Path) -> Any:
    """FLUX.2 klein 4B."""
    qwen3_4b = transformers.Qwen3Config(
        vocab_size=151936,
        hidden_size=2560,
        intermediate_size=9728,
        num_hidden_layers=36,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=128,
        max_position_embeddings=40960,
        **NO_ENDS,
    )
    return diffusers.Flux2KleinPipeline(
        scheduler=flow_scheduler(),
        vae=diffusers.AutoencoderKLFlux2(),
        text_encoder=transformers.Qwen3ForCausalLM(qwen3_4b),
        tokenizer=qwen3_tokenizer(),
        transformer=diffusers.Flux2Transformer2DModel(
            num_layers=5,
            num_single_layers=20,
            num_attention_heads=24,
            joint_attention_dim=3 * 2560,
            guidance_embeds=False,
        ),
    )


def qwen2_5_vl(letters: Any, **options: Any) -> Any:
    """Qwen2.5-VL-7B for the tokens of `letters`."""
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]}
    config = transformers.Qwen2_5_VLConfig(
        text_config={
            "hidden_size": 3584,
            "intermediate_size": 18944,
            "num_hidden_layers": 28,
            "num_attention_heads": 28,
            "num_key_value_heads": 4,
            "vocab_size": 152064,
            "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
            "rope_parameters": rope,
            "max_position_embeddings": 128000,
            **NO_ENDS,
        },
        vision_config={
            "depth": 32,
            "hidden_size": 1280,
            "intermediate_size": 3420,
            "num_heads": 16,
            "out_hidden_size": 3584,
            "fullatt_block_indexes": [7, 15, 23, 31],
        },
        image_token_id=letters.convert_tokens_to_ids("<|image_pad|>"),
        **options,
    )
    return transformers.Qwen2_5_VLForConditionalGeneration(config)


def qwen_image_edit(folder: Path) -> Any:
    """Qwen-Image-Edit 2511."""
    letters = qwen3_tokenizer(vision=True)
    reader = on_cpu(lambda: processor(folder / "processor", "Qwen2VLProcessor", letters))
    return diffusers.QwenImageEditPlusPipeline(
        scheduler=flow_scheduler(),
        vae=diffusers.AutoencoderKLQwenImage(),
        text_encoder=qwen2_5_vl(letters),
        tokenizer=letters,
        processor=reader,
        transformer=diffusers.QwenImageTransformer2DModel(zero_cond_t=True),
    )


def qwen_image_21(folder: Path) -> Any:
    """Qwen-Image 2.1 with Qwen3-VL-8B."""
    letters = qwen3_tokenizer(vision=True)
    reads = {"patch_size": 16, "size": {"shortest_edge": 65536, "longest_edge": 16777216}}
    reader = on_cpu(lambda: processor(folder / "processor", "Qwen3VLProcessor", letters, **reads))
    rope = {
        "rope_type": "default",
        "rope_theta": 5e6,
        "mrope_section": [24, 20, 20],
        "mrope_interleaved": True,
    }
    config = transformers.Qwen3VLConfig(
        text_config={
            "hidden_size": 4096,
            "intermediate_size": 12288,
            "num_hidden_layers": 36,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "vocab_size": 151936,
            "rope_parameters": rope,
            **NO_ENDS,
        },
        vision_config={"out_hidden_size": 4096},
        image_token_id=letters.convert_tokens_to_ids("<|image_pad|>"),
        video_token_id=letters.convert_tokens_to_ids("<|video_pad|>"),
    )
    return diffusers.QwenImage21Pipeline(
        scheduler=flow_scheduler(),
        vae=diffusers.AutoencoderKLQwenImage21(),
        text_encoder=transformers.Qwen3VLForConditionalGeneration(config),
        processor=reader,
        transformer=diffusers.QwenImage21Transformer2DModel(),
    )
