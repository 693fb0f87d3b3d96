"""Files of weights that are as large as they say and hold nothing: only their headers matter."""

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path

Shapes = Mapping[str, tuple[int, ...]]

UNET = "model.diffusion_model."
VAE_KEY = "first_stage_model.decoder.conv_in.weight"

SD1: Shapes = {
    UNET + "input_blocks.0.0.weight": (320, 4, 3, 3),
    UNET + "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 768),
    UNET + "input_blocks.1.1.proj_in.weight": (320, 320, 1, 1),
    UNET + "input_blocks.1.0.in_layers.2.weight": (320, 320, 3, 3),
    "cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.weight": (3072, 768),
    "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": (49408, 768),
    VAE_KEY: (512, 4, 3, 3),
    "alphas_cumprod": (1000,),
}
"""A few of the tensors of a Stable Diffusion 1.5 checkpoint, in their true shapes."""

SD2: Shapes = {
    UNET + "input_blocks.0.0.weight": (320, 4, 3, 3),
    UNET + "input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight": (320, 1024),
    "cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight": (3072, 1024),
    VAE_KEY: (512, 4, 3, 3),
}

SDXL: Shapes = {
    UNET + "input_blocks.0.0.weight": (320, 4, 3, 3),
    UNET + "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": (640, 2048),
    "conditioner.embedders.0.transformer.text_model.encoder.layers.0.mlp.fc1.weight": (3072, 768),
    "conditioner.embedders.1.model.transformer.resblocks.9.mlp.c_proj.bias": (1280,),
    VAE_KEY: (512, 4, 3, 3),
}


def save(path: Path, shapes: Shapes) -> Path:
    """A `.safetensors` file of half precision; the numbers are a hole in the file."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    place = 0
    for name, shape in shapes.items():
        end = place + 2 * prod(shape)
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [place, end]}
        place = end
    raw = json.dumps(header).encode()
    raw += b" " * (-len(raw) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(len(raw).to_bytes(8, "little") + raw)
        file.truncate(8 + len(raw) + place)
    return path
