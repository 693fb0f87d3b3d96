"""ComfyUI: the graph in `prompt`, walked back from what was saved to the sampler and its inputs."""

from engine.images.metadata.comfyui_graph import Graph, Link, Node
from engine.images.metadata.comfyui_text import prompt_at
from engine.images.metadata.reading import Reading
from engine.images.metadata.sources import Sources
from engine.images.metadata.values import (
    Json,
    json_object,
    model_name,
    number,
    side,
    text,
    weighted,
    whole,
)

PROGRAM = "ComfyUI"

OUTPUTS = ("SaveImage", "Image Save", "SaveImageWebsocket", "PreviewImage")
"""Beginnings of the classes that end a graph, the likeliest first."""

MODEL_KEYS = ("ckpt_name", "unet_name", "base_ckpt_name", "model_name", "model_path")


def read_comfyui(sources: Sources) -> Reading | None:
    """The settings that ComfyUI wrote."""
    for values in (sources.json("prompt"), *sources.objects):
        if values is None:
            continue
        if extra := _civitai(values):
            return extra
        if graph := Graph.of(values):
            return _read(graph)
    prompt = sources.texts.get("prompt", "")
    if "workflow" in sources.texts or '"class_type"' in prompt[:100_000]:
        return Reading(program=PROGRAM)
    return None


def _read(graph: Graph) -> Reading:
    sampler = _sampler(graph)
    if sampler is None:
        return Reading(program=PROGRAM)
    guider = graph.source(sampler, "guider") or sampler
    noise = graph.source(sampler, "noise") or sampler
    sigmas = graph.source(sampler, "sigmas") or sampler
    chosen = graph.source(sampler, "sampler") or sampler
    positive = guider.link("positive") or guider.link("conditioning") or guider.link("cond1")
    latent = _size_node(graph, sampler)
    model, loras = _model(graph, guider)
    distilled = _distilled(graph, positive)
    guidance = number(graph.value(guider, "cfg", "cfg_conds"))
    return Reading(
        program=PROGRAM,
        prompt=prompt_at(graph, positive, "positive"),
        negative_prompt=prompt_at(graph, guider.link("negative"), "negative"),
        num_inference_steps=whole(graph.value(sigmas, "steps")),
        guidance_scale=guidance if distilled is None else distilled,
        seed=whole(graph.value(noise, "noise_seed", "seed")),
        width=side(graph.value(latent, "width", "empty_latent_width")) if latent else None,
        height=side(graph.value(latent, "height", "empty_latent_height")) if latent else None,
        sampler=text(graph.value(chosen, "sampler_name", "sampler")),
        schedule=text(graph.value(sigmas, "scheduler")),
        model=model,
        loras=loras,
    )


def _is_sampler(node: Node) -> bool:
    conditioned = node.link("positive") is not None or node.link("guider") is not None
    return conditioned and bool({"seed", "noise_seed", "noise"} & set(node.inputs))


def _sampler(graph: Graph) -> Node | None:
    """The sampler that composed the saved picture: the first of several passes."""
    ends = sorted(
        (node for node in graph.nodes.values() if node.kind.startswith(OUTPUTS)),
        key=lambda node: next(i for i, kind in enumerate(OUTPUTS) if node.kind.startswith(kind)),
    )
    for end in ends[:20]:
        last = next((node for node in graph.upstream(end) if _is_sampler(node)), None)
        if last is not None:
            return _first_pass(graph, last)
    any_sampler = next((node for node in graph.nodes.values() if _is_sampler(node)), None)
    return None if any_sampler is None else _first_pass(graph, any_sampler)


def _first_pass(graph: Graph, sampler: Node) -> Node:
    seen = {sampler.id}
    while len(seen) < 50:
        latent = graph.source(sampler, "latent_image", "samples", "latent", "image")
        if latent is None:
            break
        around = [latent, *graph.upstream(latent)]
        before = next((node for node in around if _is_sampler(node) and node.id not in seen), None)
        if before is None:
            break
        seen.add(before.id)
        sampler = before
    return sampler


def _size_node(graph: Graph, sampler: Node) -> Node | None:
    """The node that made the empty latents."""
    latent = graph.source(sampler, "latent_image", "latent", "samples")
    if latent is None:
        return None
    for node in (latent, *graph.upstream(latent)):
        if {"width", "height"} <= set(node.inputs) or "empty_latent_width" in node.inputs:
            return (
                node
                if "Empty" in node.kind
                or "empty_latent_width" in node.inputs
                or (node is latent and "Upscale" not in node.kind)
                else None
            )
    return None


def _model(graph: Graph, start: Node) -> tuple[str, tuple[tuple[str, float], ...]]:
    """The name of the model, and the LoRAs on the way to it."""
    loras: list[tuple[str, float]] = []
    node: Node | None = graph.source(start, "model", "pipe", "base_pipe") or start
    seen = set[str]()
    while node is not None and node.id not in seen and len(seen) < 100:
        seen.add(node.id)
        if "lora_name" in node.inputs:
            weight = graph.value(node, "strength_model", "lora_model_strength", "strength")
            if text(graph.value(node, "lora_name")) != "None" and (
                pair := weighted(graph.value(node, "lora_name"), weight)
            ):
                loras.insert(0, pair)
        if name := model_name(graph.value(node, *MODEL_KEYS)):
            return name, tuple(loras)
        node = graph.source(node, "model", "model1", "pipe", "MODEL")
    return "", tuple(loras)


def _distilled(graph: Graph, positive: Link | None) -> float | None:
    """The guidance of FLUX, a node between the prompt and the sampler."""
    node = graph.nodes.get(positive.node) if positive else None
    if node is None:
        return None
    for each in (node, *graph.upstream(node)):
        if "Flux" in each.kind and "guidance" in each.inputs:
            return number(graph.value(each, "guidance"))
    return None


def _civitai(values: Json) -> Reading | None:
    """What Civitai's generator adds to a graph: the settings as it asked for them."""
    extra = values.get("extraMetadata")
    asked = json_object(extra) if isinstance(extra, str) else extra
    if not isinstance(asked, dict) or "prompt" not in asked:
        return None
    return Reading(
        program="Civitai",
        prompt=text(asked.get("prompt")),
        negative_prompt=text(asked.get("negativePrompt")),
        num_inference_steps=whole(asked.get("steps")),
        guidance_scale=number(asked.get("cfgScale")),
        seed=whole(asked.get("seed")),
        width=side(asked.get("width")),
        height=side(asked.get("height")),
        sampler=text(asked.get("sampler")),
    )
