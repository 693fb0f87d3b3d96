"""A Qwen-Image-Edit pipeline, as of November 2025, with tiny random weights."""

from pathlib import Path
from typing import Any

import torch
from diffusers import QwenImageEditPlusPipeline
from transformers import Qwen2_5_VLForConditionalGeneration

from benchmarks.tokenizers import qwen3_tokenizer
from tests.tiny.qwen_image import scheduler, text_config, transformer, vae
from tests.tiny.vision import processor


def qwen_image_edit(folder: Path) -> Path:
    """Save a `QwenImageEditPlusPipeline` into `folder`; it is made."""
    torch.manual_seed(0)
    letters = qwen3_tokenizer(vision=True)
    config = text_config(letters)
    config.image_token_id = letters.convert_tokens_to_ids("<|image_pad|>")
    config.vision_config.fullatt_block_indexes = [0]
    config.vision_config.initializer_range = 0.5
    denoiser: Any = transformer(zero_cond_t=True)
    for block in denoiser.transformer_blocks:
        for norm in (block.attn.norm_q, block.attn.norm_added_k):
            norm.weight.data.fill_(4.0)  # else all tokens weigh the same, and words hardly matter
    pipe: Any = QwenImageEditPlusPipeline(
        scheduler=scheduler(),
        vae=vae(),
        text_encoder=Qwen2_5_VLForConditionalGeneration(config),
        tokenizer=letters,
        processor=processor(folder / "processor", "Qwen2VLProcessor", letters),
        transformer=denoiser,
    )
    pipe.save_pretrained(folder)
    return folder
