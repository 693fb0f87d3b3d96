"""What a model is made of, before it is loaded or even downloaded."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from engine.hub.base_models import base_of
from engine.hub.checkpoint_names import UNET, canonical, check_readable, unused_outside
from engine.hub.client import HubClient
from engine.hub.errors import CorruptFile
from engine.hub.pipeline_class import pipeline_class
from engine.hub.pipeline_layout import DENOISERS, PipelineLayout
from engine.hub.single_file import SingleFileCheckpoint, check_channels, classify
from engine.hub.source_files import SourceFiles, bytes_of, source_files_of
from engine.hub.sources import PICKLES, Origin, Source, SourceKind
from engine.hub.tensor_headers import (
    Tensor,
    float32_parameters,
    largest_block,
    largest_layer,
    linear_share,
    outside_blocks,
    outside_layer,
)
from engine.hub.vae_config import vae_facts
from engine.memory.components import Component, Role
from engine.memory.plan import Quantization
from engine.models.checkpoints import checkpoint_of
from engine.models.families import FAMILIES, family_named_by
from engine.models.known_components import known_components
from speech import say

PICKLE_NUMBER_BYTES = 4
"""Assumed bytes of a number in a pickle; only loading it would tell."""

REQUESTS = 8
"""How many headers are requested at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What is known of a model before it is loaded.

    Attributes:
        pipeline: Class name of the Diffusers pipeline.
        family: A key of `FAMILIES`; `None` if the pipeline runs whole.
        components: Those with weights, with a separate denoiser in place of the pipeline's own.
        licence: Its name, if the model card gives one.
        licence_link: Where the licence can be read.
        gated: Whether terms have to be accepted on the Hub first; `False` for a model on disk.
        total_bytes: Bytes of all files, including a checkpoint's base.
        download_bytes: Bytes still to be downloaded.
        files: Paths within the source, then that of a separate denoiser.
        generation: Of a single-file checkpoint, which Stable Diffusion it is.
        from_table: Whether this is what the table of checkpoints says, since the Hub doesn't.
        unused: Names of the tensors in single files that belong to no component and matter.
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
    from_table: bool = False
    unused: tuple[str, ...] = ()


def known_inspection(origin: Origin) -> Inspection | None:
    """What the table of checkpoints says of a model; `None` if it isn't in the table."""
    source = origin.source.repo or ""
    checkpoint, components = checkpoint_of(source), known_components(source)
    if checkpoint is None or components is None or origin.denoiser or origin.source.file:
        return None
    size = checkpoint.download_bytes or sum(each.stored_bytes for each in components)
    return Inspection(
        pipeline=checkpoint.pipeline or FAMILIES[checkpoint.family or ""].pipelines[0],
        family=checkpoint.family,
        components=components,
        licence=checkpoint.licence.name,
        gated=checkpoint.gated,
        total_bytes=size,
        download_bytes=size,
        from_table=True,
    )


def inspect(origin: Origin, hub: HubClient | None = None) -> Inspection:
    """Inspect a model by its headers: on disk if all of it is there, else on the Hub.

    Blocks for as long as the Hub takes, usually a second or two.

    Raises:
        ModelUnavailable: It can't be had, or can't be loaded.
    """
    hub = hub or HubClient()
    files = source_files_of(origin.source, hub, own_denoiser=origin.denoiser is None)
    pipeline = _pipeline(files, origin.source, hub)
    if origin.denoiser is None:
        return pipeline
    denoiser_files = source_files_of(origin.denoiser, hub)
    [(name, stored)] = denoiser_files.sizes.items()
    denoiser = _denoiser_name(pipeline.family, files.layout)
    classes = {part.name: part.class_name for part in files.layout.parts} if files.layout else {}
    classes |= {part.name: part.class_name for part in pipeline.components}
    tensors, unused = _denoiser_tensors(_tensors(denoiser_files, name), origin.denoiser)
    part = component_of(denoiser, Role.DENOISER, classes.get(denoiser, ""), tensors, stored)
    if origin.denoiser.kind is SourceKind.GGUF:
        part = replace(part, stored_as=Quantization.GGUF)
    return replace(
        pipeline,
        components=(*(one for one in pipeline.components if one.role is not Role.DENOISER), part),
        gated=pipeline.gated or denoiser_files.gated,
        total_bytes=pipeline.total_bytes + stored,
        download_bytes=pipeline.download_bytes + denoiser_files.download_bytes,
        files=(*pipeline.files, name),
        unused=(*pipeline.unused, *unused),
    )


def _denoiser_tensors(
    tensors: tuple[Tensor, ...], source: Source
) -> tuple[tuple[Tensor, ...], tuple[str, ...]]:
    """The denoiser's tensors among those of a file, and the names of others that matter.

    Raises:
        ModelUnavailable: It is a denoiser that can't be loaded or used.
    """
    if source.kind is SourceKind.GGUF:
        return tensors, ()
    tensors = tuple(replace(tensor, name=canonical(tensor.name)) for tensor in tensors)
    check_readable((tensor.name for tensor in tensors), source.text)
    check_channels(tensors, source.text)
    inside = tuple(tensor for tensor in tensors if tensor.name.startswith(UNET))
    names = (tensor.name for tensor in tensors)
    return inside or tensors, unused_outside(names, (UNET,)) if inside else ()


def _pipeline(files: SourceFiles, source: Source, hub: HubClient) -> Inspection:
    generation, base_bytes, base_missing = None, 0, 0
    unused: tuple[str, ...] = ()
    if files.layout is None:
        [name] = files.sizes
        checkpoint = _checkpoint(files, name, source)
        generation, pipeline = checkpoint.generation, checkpoint.pipeline
        unused = checkpoint.unused
        base_bytes, base_missing = bytes_of(base_of(checkpoint), hub)
        family = family_named_by(pipeline)
        components = tuple(
            component_of(part, role_of(part, family), class_name, tensors)
            for part, class_name, tensors in checkpoint.parts
        )
    else:
        pipeline = files.layout.pipeline
        family = family_named_by(pipeline)
        if family is None:
            pipeline_class(pipeline)
        components = _components(files, files.layout, family)
    licence, link = files.licence
    return Inspection(
        pipeline=pipeline,
        family=family,
        components=components,
        licence=licence,
        licence_link=link,
        gated=files.gated,
        total_bytes=sum(files.sizes.values()) + base_bytes,
        download_bytes=files.download_bytes + base_missing,
        files=tuple(files.sizes),
        generation=generation,
        unused=unused,
    )


def _checkpoint(files: SourceFiles, name: str, source: Source) -> SingleFileCheckpoint:
    if Path(name).suffix.lower() in PICKLES:
        raise CorruptFile(
            say(
                "“{source}” is a pickle. What's in it only shows when it's loaded.",
                source=source.text,
            )
        )
    return classify(files.tensors(name), source.text)


def _components(
    files: SourceFiles, layout: PipelineLayout, family: str | None
) -> tuple[Component, ...]:
    with_weights = [part for part in layout.parts if part.weights]
    with ThreadPoolExecutor(REQUESTS) as threads:
        found = threads.map(lambda part: _weights(files, part.weights), with_weights)
        components = [
            component_of(
                part.name,
                role_of(part.name, family),
                part.class_name,
                tensors,
                sum(files.sizes[name] for name in part.weights),
            )
            for part, tensors in zip(with_weights, found, strict=True)
        ]
    return tuple(
        _with_vae_facts(files, part.folder, component)
        for part, component in zip(with_weights, components, strict=True)
    )


def _with_vae_facts(files: SourceFiles, folder: str, component: Component) -> Component:
    if component.role is not Role.VAE:
        return component
    config = files.settings(f"{folder}/config.json")
    facts = vae_facts(component.class_name, config)
    return replace(component, force_upcast=facts.force_upcast, tile_side=facts.tile_side)


def _weights(files: SourceFiles, names: tuple[str, ...]) -> tuple[Tensor, ...]:
    return tuple(tensor for name in names for tensor in _tensors(files, name))


def _tensors(files: SourceFiles, name: str) -> tuple[Tensor, ...]:
    if Path(name).suffix.lower() not in PICKLES:
        return files.tensors(name)
    stored = files.sizes[name]
    return (Tensor(name, (stored // PICKLE_NUMBER_BYTES,), stored),)


def component_of(
    name: str, role: Role, class_name: str, tensors: tuple[Tensor, ...], stored: int | None = None
) -> Component:
    """What is known of a component by its tensors; `stored` are the bytes of its files."""
    return Component(
        name=name,
        role=role,
        class_name=class_name,
        parameters=sum(tensor.parameters for tensor in tensors),
        stored_bytes=sum(tensor.stored for tensor in tensors) if stored is None else stored,
        largest_block=largest_block(tensors),
        outside_blocks=outside_blocks(tensors),
        largest_layer=largest_layer(tensors),
        outside_layer=outside_layer(tensors),
        linear_share=linear_share(tensors),
        float32_parameters=float32_parameters(class_name, tensors),
    )


def role_of(component: str, family: str | None) -> Role:
    """The role of the component of that name in that family."""
    if family is not None and component == FAMILIES[family].denoiser:
        return Role.DENOISER
    if component.startswith("text_encoder"):
        return Role.TEXT_ENCODER
    if component in DENOISERS or component == "prior":
        return Role.DENOISER
    return Role.VAE if component.startswith(("vae", "vqvae", "movq", "vqgan")) else Role.OTHER


def _denoiser_name(family: str | None, layout: PipelineLayout | None) -> str:
    if family is not None:
        return FAMILIES[family].denoiser
    names = [part.name for part in layout.parts] if layout else []
    return next((name for name in DENOISERS if name in names), DENOISERS[0])
