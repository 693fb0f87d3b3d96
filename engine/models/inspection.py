"""What a model is made of, before it is loaded or even downloaded."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from engine.hub.base_models import base_of
from engine.hub.client import HubClient
from engine.hub.errors import CorruptFile
from engine.hub.pipeline_layout import DENOISERS, PipelineLayout
from engine.hub.single_file import SingleFileCheckpoint, classify
from engine.hub.source_files import SourceFiles, bytes_of, source_files_of
from engine.hub.sources import PICKLES, Origin, Source, SourceKind
from engine.hub.tensor_headers import Tensor, largest_block, linear_share, outside_blocks
from engine.hub.vae_config import vae_facts
from engine.memory.components import Component, Role
from engine.memory.plan import Quantization
from engine.models.families import FAMILIES, family_named_by
from speech import say

BYTES_OF_PICKLE = 4
"""Bytes that a number in a pickle is taken to have: only running a pickle would tell."""

REQUESTS = 8
"""How many headers are asked for at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What is known of a model before it is loaded.

    Attributes:
        pipeline: Class name of the Diffusers pipeline.
        family: A key of `FAMILIES`; `None` when the pipeline runs whole.
        components: Those with weights, the stand-in denoiser in place of the pipeline's own.
        licence: Its name, where the model card gives one.
        licence_link: Where the licence can be read.
        gated: Whether the Hub asks to accept terms first; unknown, and so `False`, from the disk.
        total_bytes: Bytes of all files, with the settings that a checkpoint goes with.
        download_bytes: Bytes that still have to come.
        files: Paths within the source, then that of the stand-in denoiser.
        generation: Of a single-file checkpoint, which Stable Diffusion it is.
    """

    pipeline: str
    family: str | None
    components: tuple[Component, ...]
    licence: str | None = None
    licence_link: str | None = None
    gated: bool = False
    total_bytes: int = 0
    download_bytes: int = 0
    files: tuple[str, ...] = ()
    generation: str | None = None


def inspect(origin: Origin, hub: HubClient | None = None) -> Inspection:
    """Look into a model: at its headers on disk where all of it is there, else at the Hub's.

    Blocks for as long as the Hub takes; a second or two as a rule.

    Raises:
        ModelUnavailable: It cannot be had, or is nothing that can be loaded.
    """
    hub = hub or HubClient()
    view = source_files_of(origin.source, hub, own_denoiser=origin.denoiser is None)
    seen = _pipeline(view, origin.source, hub)
    if origin.denoiser is None:
        return seen
    stand_in = source_files_of(origin.denoiser, hub)
    [(name, stored)] = stand_in.sizes.items()
    denoiser = _denoiser_of(seen.family, view.layout)
    classes = {part.name: part.class_name for part in view.layout.parts} if view.layout else {}
    classes |= {part.name: part.class_name for part in seen.components}
    part = _component(
        denoiser,
        Role.DENOISER,
        classes.get(denoiser, ""),
        _tensors(stand_in, name),
        stored,
    )
    if origin.denoiser.kind is SourceKind.GGUF:
        part = replace(part, stored_as=Quantization.GGUF)
    return replace(
        seen,
        components=(*(one for one in seen.components if one.role is not Role.DENOISER), part),
        gated=seen.gated or stand_in.gated,
        total_bytes=seen.total_bytes + stored,
        download_bytes=seen.download_bytes + stand_in.download_bytes,
        files=(*seen.files, name),
    )


def _pipeline(view: SourceFiles, source: Source, hub: HubClient) -> Inspection:
    generation, base_bytes, base_missing = None, 0, 0
    if view.layout is None:
        [name] = view.sizes
        checkpoint = _checkpoint(view, name, source)
        generation, pipeline = checkpoint.generation, checkpoint.pipeline
        base_bytes, base_missing = bytes_of(base_of(checkpoint), hub)
        family = family_named_by(pipeline)
        components = tuple(
            _component(part, role_of(part, family), class_name, tensors)
            for part, class_name, tensors in checkpoint.parts
        )
    else:
        pipeline = view.layout.pipeline
        family = family_named_by(pipeline)
        components = _components(view, view.layout, family)
    licence, link = view.licence
    return Inspection(
        pipeline=pipeline,
        family=family,
        components=components,
        licence=licence,
        licence_link=link,
        gated=view.gated,
        total_bytes=sum(view.sizes.values()) + base_bytes,
        download_bytes=view.download_bytes + base_missing,
        files=tuple(view.sizes),
        generation=generation,
    )


def _checkpoint(view: SourceFiles, name: str, source: Source) -> SingleFileCheckpoint:
    if Path(name).suffix.lower() in PICKLES:
        raise CorruptFile(
            say(
                "“{source}” is a pickle. What's in it only shows when it's loaded.",
                source=source.text,
            )
        )
    return classify(view.tensors(name), source.text)


def _components(
    view: SourceFiles, layout: PipelineLayout, family: str | None
) -> tuple[Component, ...]:
    with_weights = [part for part in layout.parts if part.weights]
    with ThreadPoolExecutor(REQUESTS) as threads:
        found = threads.map(lambda part: _weights(view, part.weights), with_weights)
        components = [
            _component(
                part.name,
                role_of(part.name, family),
                part.class_name,
                tensors,
                sum(view.sizes[name] for name in part.weights),
            )
            for part, tensors in zip(with_weights, found, strict=True)
        ]
    return tuple(_with_vae_facts(view, component) for component in components)


def _with_vae_facts(view: SourceFiles, component: Component) -> Component:
    if component.role is not Role.VAE:
        return component
    config = view.settings(f"{component.name}/config.json")
    facts = vae_facts(component.class_name, config)
    return replace(component, force_upcast=facts.force_upcast, tile_side=facts.tile_side)


def _weights(view: SourceFiles, names: tuple[str, ...]) -> tuple[Tensor, ...]:
    return tuple(tensor for name in names for tensor in _tensors(view, name))


def _tensors(view: SourceFiles, name: str) -> tuple[Tensor, ...]:
    if Path(name).suffix.lower() not in PICKLES:
        return view.tensors(name)
    stored = view.sizes[name]
    return (Tensor(name, (stored // BYTES_OF_PICKLE,), stored),)


def _component(
    name: str, role: Role, class_name: str, tensors: tuple[Tensor, ...], stored: int | None = None
) -> Component:
    return Component(
        name=name,
        role=role,
        class_name=class_name,
        parameters=sum(tensor.parameters for tensor in tensors),
        stored_bytes=sum(tensor.stored for tensor in tensors) if stored is None else stored,
        largest_block=largest_block(tensors),
        outside_blocks=outside_blocks(tensors),
        linear_share=linear_share(tensors),
    )


def role_of(component: str, family: str | None) -> Role:
    """What the component of that name does for a picture of that family."""
    if family is not None and component == FAMILIES[family].denoiser:
        return Role.DENOISER
    if component.startswith("text_encoder"):
        return Role.TEXT_ENCODER
    if component in DENOISERS or component == "prior":
        return Role.DENOISER
    return Role.VAE if component.startswith(("vae", "vqvae", "movq", "vqgan")) else Role.OTHER


def _denoiser_of(family: str | None, layout: PipelineLayout | None) -> str:
    if family is not None:
        return FAMILIES[family].denoiser
    names = [part.name for part in layout.parts] if layout else []
    return next((name for name in DENOISERS if name in names), DENOISERS[0])
