"""The names of tensors in single files of weights: other spellings, harmless extras, other kinds.

The canonical names are those of the original Stable Diffusion code, as in `single_file`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from engine.errors import ModelUnavailable
from speech import AND, join_list, phrase, say

UNET = "model.diffusion_model."

SPELLINGS = (
    (re.compile(r"diffusion_model\."), UNET),
    (
        re.compile(r"(?=(?:input_blocks|middle_block|output_blocks|time_embed|label_emb|out)\.)"),
        UNET,
    ),
    (
        re.compile(
            r"((?:cond_stage_model|conditioner\.embedders\.0)\.transformer\.)"
            r"(?=(?:embeddings|encoder|final_layer_norm)\.)"
        ),
        r"\1text_model.",
    ),
)
"""Beginnings of names, and what is canonical: UNets without their module or without any prefix
(the `unet` folder of ComfyUI), and CLIP as Transformers had it before 4.0 (NovelAI's merges)."""

IGNORED: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "averages of the weights (EMA), kept for training": re.compile(r"(.*\.)?model_ema\..+"),
        "positions, which are counted": re.compile(r".+\.position_ids"),
        "the noise schedule, which the scheduler has": re.compile(
            r"alphas_cumprod(_prev)?|betas|sqrt_.+|log_one_minus_.+|posterior_.+|lvlb_weights"
            r"|logvar|scale_factor|global_step|(denoiser\.)?(log_)?sigmas"
        ),
        "what CLIP compares pictures with": re.compile(
            r"(cond_stage_model|conditioner\.embedders\.\d)\.(.+\.)?(logit_scale|attn_mask)"
            r"|(cond_stage_model|conditioner\.embedders\.0\.transformer)\.(.+\.)?"
            r"text_projection(\.weight)?"
        ),
        "the last layer of Stable Diffusion 2's text encoder, which it was trained without": (
            re.compile(r"cond_stage_model\.model\.transformer\.resblocks\.23\..+")
        ),
        "what only trains a VAE": re.compile(r"(first_stage_model|vae)\.(loss|discriminator)\..+"),
        "markers, which are read": re.compile(
            r"v_pred|ztsnr|edm_mean|edm_std|(.+\.)?scaled_fp8|.+\.comfy_quant"
        ),
        "scales of activations, which aren't quantized here": re.compile(
            r".+\.(scale_input|input_scale)"
        ),
    }
)
"""Tensors that a picture doesn't depend on, by what they are. They are dropped."""

REPLACED = re.compile(r"(.*\.)?(norm_final\.weight|y_embedder\.y_embedding|pos_embed)")
"""Tensors of Lumina 2, Z-Image and Sana that Diffusers takes out: its models don't use them."""

SCALES = (".scale_weight", ".weight_scale")
"""Ends of the names of what a layer's `.weight` in float8 is multiplied by (ComfyUI)."""

UNREADABLE: Mapping[str, str] = MappingProxyType(
    {
        ".absmax": "bitsandbytes",
        ".SCB": "bitsandbytes",
        ".qweight": "GPTQ/SVDQuant",
        ".weight_scale_2": "NVFP4",
        ".weight_scale_inv": "block FP8",
    }
)
"""Ends of names by which quantized weights are known that aren't read from a single file."""

OTHER_KINDS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        phrase("a ControlNet"): re.compile(r"control_model\.|controlnet_cond_embedding\."),
        phrase("a VAE"): re.compile(r"(de|en)coder\.conv_in\."),
        phrase("an embedding"): re.compile(r"emb_params$|string_to_param|clip_[lg]$"),
        phrase("an upscaler"): re.compile(r"model\.1\.sub\.|body\.0\.rdb1\.|conv_body\."),
    }
)
"""Files of weights that aren't models, and the beginnings of names by which they are known."""

DENOISER_KINDS = (
    ("FLUX.2", "double_stream_modulation_img.", "black-forest-labs/FLUX.2-klein-4B"),
    ("Chroma", "distilled_guidance_layer.", "lodestones/Chroma1-HD"),
    ("FLUX.1", "double_blocks.0.img_attn.qkv.", "black-forest-labs/FLUX.1-dev"),
    ("Stable Diffusion 3", "joint_blocks.0.", "stabilityai/stable-diffusion-3.5-medium"),
    ("Z-Image", "layers.0.adaLN_modulation.0.", "Tongyi-MAI/Z-Image-Turbo"),
    ("Lumina 2", "layers.0.adaLN_modulation.1.", "Alpha-VLLM/Lumina-Image-2.0"),
    ("Qwen-Image", "transformer_blocks.0.img_mlp.", "Qwen/Qwen-Image"),
)
"""Kinds of denoisers that single files have beside Stable Diffusion's: name, the beginning of a
tensor's name after any prefix, and a pipeline that has all the rest."""

PREFIXES = ("model.diffusion_model.", "diffusion_model.", "transformer.", "")

MAX_NAMED = 4
"""Of tensors that aren't used, the most groups that are named."""


def canonical(name: str) -> str:
    """The name that the original code gave the tensor."""
    for spelling, right in SPELLINGS:
        if spelling.match(name):
            return spelling.sub(right, name, count=1)
    return name


def is_ignored(name: str) -> bool:
    """Whether a picture doesn't depend on that tensor."""
    return any(pattern.fullmatch(name) for pattern in IGNORED.values())


def is_scale(name: str) -> bool:
    """Whether that tensor scales a weight."""
    return name.endswith(SCALES)


def check_readable(names: Iterable[str], text: str) -> None:
    """Raise `ModelUnavailable` if the weights of the file `text` are quantized in another way."""
    for name in names:
        for end, kind in UNREADABLE.items():
            if name.endswith(end):
                raise ModelUnavailable(
                    say(
                        "“{source}” is quantized with {kind}, which can't be read from a single "
                        "file. Use the same model in FP16, BF16, FP8 or GGUF.",
                        source=text,
                        kind=kind,
                    )
                )


def other_kind(names: Iterable[str]) -> str | None:
    """What a file is that isn't a model, as a phrase; `None` if that isn't known."""
    return next(
        (kind for name in names for kind, pattern in OTHER_KINDS.items() if pattern.match(name)),
        None,
    )


def denoiser_kind(names: Iterable[str]) -> tuple[str, str] | None:
    """Name and pipeline of the denoiser in a file, if it is one of `DENOISER_KINDS`."""
    bare = {
        name.removeprefix(next(each for each in PREFIXES if name.startswith(each)))
        for name in names
    }
    for kind, beginning, pipeline in DENOISER_KINDS:
        if any(name.startswith(beginning) for name in bare):
            return kind, pipeline
    return None


def unused_outside(names: Iterable[str], used: tuple[str, ...]) -> tuple[str, ...]:
    """The names that begin with none of `used` and aren't ignored."""
    return tuple(name for name in names if not name.startswith(used) and not is_ignored(name))


def grouped(names: Iterable[str]) -> str:
    """Tensors by the first part of their names, with their number: “vae (244) and x (2)”."""
    groups = Counter(name.split(".", 1)[0] for name in names).most_common()
    shown = [f"{group} ({number})" for group, number in groups[:MAX_NAMED]]
    return join_list([*shown, "…"] if len(groups) > MAX_NAMED else shown, AND)
