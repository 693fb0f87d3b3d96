"""What a training step takes, counted on the model's own denoiser without its weights.

Its family calls it as it does in a training, with tensors that have shapes alone.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import diffusers
import torch
import transformers
from torch import nn

from engine.diffusion.families import family_of
from engine.diffusion.families.conditioning import Conditioning
from engine.diffusion.families.latent_sample import DenoiserBatch, LatentSample
from engine.diffusion.families.stepped import Stepped
from engine.diffusion.offload import OffloadedComponents
from engine.diffusion.training.counting import LiveBytes, OnCard
from engine.diffusion.training.examples import Example
from engine.diffusion.training.lora_group import LoraGroup, trained_encoders
from engine.jobs.recipe import Recipe
from engine.models.families import FAMILIES
from engine.training.footprint import Footprint
from engine.training.request import TrainingRequest

META = torch.device("meta")

CLIP_TOKENS = 77
PADDED_TOKENS = 512
"""Tokens of a prompt to CLIP, and to the text encoders of FLUX."""
SHORT_TOKENS = 32

TOKEN_BYTES = 3
"""Of a caption's UTF-8: English has more for a token, Chinese about as many (an estimate)."""

Shapes = Mapping[str, tuple[int, ...]]


def _sdxl(config: Any, tokens: int) -> Shapes:
    pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
    return {"embeds": (CLIP_TOKENS, config.cross_attention_dim), "pooled": (pooled,)}


def _flux(config: Any, tokens: int) -> Shapes:
    return {
        "embeds": (PADDED_TOKENS, config.joint_attention_dim),
        "pooled": (config.pooled_projection_dim,),
    }


CONDITIONING: Mapping[str, Callable[[Any, int], Shapes]] = MappingProxyType(
    {
        "sd": lambda config, tokens: {"embeds": (CLIP_TOKENS, config.cross_attention_dim)},
        "sdxl": _sdxl,
        "flux": _flux,
        "flux2-klein": lambda config, tokens: {
            "embeds": (PADDED_TOKENS, config.joint_attention_dim),
            "ids": (PADDED_TOKENS, 4),
        },
        "z-image": lambda config, tokens: {"embeds": (tokens, config.cap_feat_dim)},
        "qwen-image": lambda config, tokens: {"embeds": (tokens, config.joint_attention_dim)},
    }
)
"""Shapes of an encoded caption of so many tokens, by family, from the denoiser's config."""


def caption_tokens(captions: Iterable[str]) -> int:
    """Tokens of the longest caption; a few words, if there are none."""
    longest = max((len(each.encode()) for each in captions), default=0)
    return min(PADDED_TOKENS, max(SHORT_TOKENS, longest // TOKEN_BYTES))


def footprint_of(
    folder: Path, family: str, request: TrainingRequest, *, cpu: bool, tokens: int
) -> Footprint:
    """Count a step of a model whose configurations are in a folder.

    Args:
        folder: In the layout of Diffusers; weights aren't read.
        family: One of those that can be trained.
        request: What would be trained.
        cpu: Whether it would be in float32 on the CPU, not in bfloat16 on a card.
        tokens: Of the longest caption, for families that don't pad captions.
    """
    pipe = meta_pipeline(folder, family)
    add_encoders(pipe, folder, trained_encoders(family, request))
    return count_step(pipe, request, cpu=cpu, tokens=tokens)


def meta_pipeline(folder: Path, family: str) -> Any:
    """A pipeline of a denoiser and a VAE without weights."""
    facts = FAMILIES[family]
    kind = getattr(diffusers, facts.pipelines[0])
    index = kind.load_config(folder)
    with META:
        parts = {name: _meta_part(folder, name, index[name]) for name in (facts.denoiser, "vae")}
    if family == "qwen-image":  # asks what its text encoder computes in
        parts["text_encoder"] = parts[facts.denoiser]
    names = [
        name
        for name, each in inspect.signature(kind.__init__).parameters.items()
        if each.default is inspect.Parameter.empty and name != "self"
    ]
    options = {"requires_safety_checker": False} if family == "sd" else {}
    return kind(**dict.fromkeys(names) | parts | options)


def add_encoders(pipe: Any, folder: Path, names: Iterable[str]) -> None:
    """Give a pipeline those of the text encoders that its model has, without weights."""
    index = pipe.load_config(folder)
    for name in names:
        library, kind = index.get(name, (None, None))
        if library == "transformers":
            made = getattr(transformers, kind)
            with META:
                setattr(pipe, name, made(made.config_class.from_pretrained(folder / name)))


def _meta_part(folder: Path, name: str, where: tuple[str, str]) -> nn.Module:
    kind = getattr(diffusers, where[1])
    return cast(nn.Module, kind.from_config(kind.load_config(folder / name)))


def count_step(pipe: Any, request: TrainingRequest, *, cpu: bool, tokens: int) -> Footprint:
    """Count a step of a training, with its first gradients.

    Args:
        pipe: The Diffusers pipeline; its denoiser is changed.
        request: What would be trained.
        cpu: Whether it would be in float32 on the CPU, not in bfloat16 on a card.
        tokens: Of the longest caption, for families that don't pad captions.
    """
    dtype = torch.float32 if cpu else torch.bfloat16
    components = OffloadedComponents(pipe, next(pipe.vae.parameters()).device)
    family = cast(Stepped, family_of(pipe, components, None))
    denoiser = getattr(pipe, family.facts.denoiser).to(dtype).train()
    encoders = [getattr(pipe, name).to(dtype) for name in trained_encoders(family.family, request)]
    layers = LoraGroup(pipe, family.family, request)
    card = OnCard(dtype, cpu=cpu)
    if request.checkpointing:
        denoiser.enable_gradient_checkpointing(card.checkpoint)
    models = [denoiser, *encoders]
    weights = [tensor for each in models for tensor in (*each.parameters(), *each.buffers())]
    with LiveBytes(iter(weights)) as bytes_, card:
        with card.forward() if encoders else nullcontext():
            encoded = [_through(encoder, request.batch) for encoder in encoders]
        batch = batch_of(family, components.device, request, tokens=tokens, encoded=encoded)
        with card.forward():
            prediction = family.denoise(batch)
        target = torch.zeros_like(batch.latents, dtype=torch.float32)
        loss = (prediction.float() - target).square().flatten(1).mean(1).mean()
        loss.backward()  # type: ignore[no-untyped-call]
    return Footprint(
        lora=sum(weight.numel() for weight in layers.parameters),
        working_bytes=bytes_.peak,
        largest_layer=max(
            (part.weight.numel() for part in denoiser.modules() if isinstance(part, nn.Linear)),
            default=0,
        ),
    )


def _through(encoder: Any, rows: int) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The embeddings of captions, shape (rows, tokens, dim), and of whole texts, (rows, dim)."""
    device = next(encoder.parameters()).device
    tokens = min(CLIP_TOKENS, encoder.config.max_position_embeddings)
    ids = torch.zeros((rows, tokens), dtype=torch.long, device=device)
    output = encoder(ids, output_hidden_states=True)
    return output.hidden_states[-2], output.get("text_embeds")


def batch_of(
    family: Stepped,
    device: torch.device,
    request: TrainingRequest,
    *,
    tokens: int,
    encoded: Sequence[tuple[torch.Tensor, torch.Tensor | None]] = (),
) -> DenoiserBatch:
    """What the denoiser is called with for a batch of the largest pictures.

    Args:
        family: Calls it.
        device: Where the tensors are.
        request: What would be trained.
        tokens: Of each caption, for families that don't pad captions.
        encoded: Of each text encoder that is trained, what it made of the captions.
    """
    example = _example(family, device, request, tokens)
    timestep = torch.zeros((), device=device)
    dtype = _denoiser(family).dtype
    inputs = [
        example.input(family, example.latents.to(dtype), timestep) for _ in range(request.batch)
    ]
    if encoded:
        embeds = torch.cat([hidden for hidden, _ in encoded], -1)
        pooled = encoded[-1][1]
        inputs = [
            replace(
                each,
                conditioning={
                    **each.conditioning,
                    "embeds": embeds[row : row + 1],
                    **({} if pooled is None else {"pooled": pooled[row : row + 1]}),
                },
            )
            for row, each in enumerate(inputs)
        ]
    return DenoiserBatch(inputs)


def _denoiser(family: Stepped) -> Any:
    return getattr(family._pipe, family.facts.denoiser)


def _example(
    family: Stepped, device: torch.device, request: TrainingRequest, tokens: int
) -> Example:
    """A picture as large as any, with its caption."""
    recipe = Recipe(
        prompt="",
        negative_prompt="",
        model=request.model,
        width=request.side,
        height=request.side,
        num_inference_steps=1,
        guidance_scale=1.0,
        seed=0,
        count=1,
        scheduler="default",
    )
    denoiser = _denoiser(family)
    shapes = CONDITIONING[family.family](denoiser.config, tokens)
    conditioning: Conditioning = {
        name: torch.zeros((1, *shape), dtype=denoiser.dtype, device=device)
        for name, shape in shapes.items()
    }
    generator = torch.Generator()
    latents = family.new_noise(recipe, generator)
    none = torch.zeros(1)
    sample = LatentSample(
        recipe=recipe,
        seed=0,
        total_steps=1,
        latents=latents,
        conditioning=[conditioning],
        timesteps=none,
        denoiser_timesteps=none,
        scheduler=None,
        generator=generator,
        step_kwargs={},
        init_latents=None,
        noise=latents,
        cads_generator=generator,
    )
    family.prepare(sample, None)
    return Example(sample, latents, None)
