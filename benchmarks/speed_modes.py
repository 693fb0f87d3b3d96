"""The modes of `[engine] speed` as ways to paint, for `benchmarks.speed`.

Each yields what is called in place of the pipeline, with the same arguments.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from engine.diffusion import Device
from engine.diffusion.families import family_of
from engine.diffusion.offload import OffloadedComponents
from engine.diffusion.quantization import quantization_configs, quantized
from engine.diffusion.sage_attention import use_sage_attention, why_not_sage
from engine.jobs.recipe import Recipe
from engine.jobs.step_times import share_computed
from engine.memory.plan import ComponentPlacement, Plan, Quantization, Residence
from engine.memory.quantization import matmul_methods, why_unsupported
from engine.models.families import FAMILIES, family_named_by


class EnginePainter:
    """Paints with the engine's own loop what a pipeline would paint when called."""

    def __init__(self, pipe: Any, *, quick: bool) -> None:
        self._family = family_of(pipe, OffloadedComponents(pipe, pipe.device), None)
        self._quick = quick

    @torch.inference_mode()
    def __call__(self, *, generator: torch.Generator, **call: Any) -> Any:
        """One picture, as an array of 0 to 1."""
        recipe = recipe_of(call, generator.initial_seed(), quick=self._quick)
        [sample] = self._family.begin(recipe)
        while not sample.done:
            self._family.step([sample], lambda: None)
        return SimpleNamespace(images=[np.asarray(self._family.finish(sample)) / 255])


def recipe_of(call: dict[str, Any], seed: int = 0, *, quick: bool) -> Recipe:
    """The recipe that a pipeline is called for."""
    return Recipe(
        prompt=call["prompt"],
        negative_prompt="",
        model="benchmark",
        width=call["width"],
        height=call["height"],
        num_inference_steps=call["num_inference_steps"],
        guidance_scale=call["guidance_scale"],
        seed=seed,
        count=1,
        scheduler="default",
        quick=quick,
    )


@contextmanager
def exact(pipe: Any) -> Iterator[Any]:
    """Every step in full."""
    yield EnginePainter(pipe, quick=False)


@contextmanager
def quick(pipe: Any) -> Iterator[Any]:
    """Some denoiser calls left out; that of `close` isn't included."""
    yield EnginePainter(pipe, quick=True)


@contextmanager
def fewer_steps(pipe: Any) -> Iterator[Any]:
    """As few steps as cost what quick mode computes: what its pictures have to be better than."""

    def paint(**call: Any) -> Any:
        share = share_computed(recipe_of(call, quick=True))
        return pipe(**call | {"num_inference_steps": round(share * call["num_inference_steps"])})

    yield paint


@contextmanager
def close(pipe: Any) -> Iterator[Any]:
    """Matrices multiplied in 8 bits, and SageAttention, whichever of them works here.

    Raises:
        RuntimeError: Neither does.
    """
    family = family_named_by(type(pipe).__name__)
    name = FAMILIES[family].denoiser if family else "transformer"
    denoiser = getattr(pipe, name)
    device = Device(denoiser.device)
    methods = matmul_methods(device.facts())
    sage = why_not_sage(family, denoiser.dtype, denoiser.device)
    if not methods and sage is not None:
        raise RuntimeError(why_unsupported(Quantization.INT8_MATMUL, device.facts()))
    try:
        if methods:
            setattr(pipe, name, _quantized(denoiser, methods[0]))
        if sage is None:
            use_sage_attention(getattr(pipe, name))
        yield EnginePainter(pipe, quick=False)
    finally:
        setattr(pipe, name, denoiser)
        use_sage_attention(denoiser, use=False)


def _quantized(denoiser: Any, method: Quantization) -> Any:
    place = ComponentPlacement(
        residence=Residence.RESIDENT, weight_bytes=0, resident_bytes=0, quantization=method
    )
    dtype = str(denoiser.dtype).removeprefix("torch.")
    plan = Plan(dtype=dtype, places={"denoiser": place})
    config = quantization_configs(plan, {"denoiser": "diffusers"})["denoiser"]
    return quantized(denoiser, config, denoiser.dtype).to(denoiser.device)
