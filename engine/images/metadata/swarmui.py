"""SwarmUI: JSON with `sui_image_params`."""

from engine.images.metadata.reading import Reading
from engine.images.metadata.sources import Sources
from engine.images.metadata.values import Json, model_name, number, side, text, weighted, whole


def read_swarmui(sources: Sources) -> Reading | None:
    """The settings that SwarmUI wrote."""
    params = next(
        (
            each["sui_image_params"]
            for each in sources.objects
            if isinstance(each.get("sui_image_params"), dict)
        ),
        None,
    )
    if params is None:
        return None
    guidance = number(params.get("fluxguidancescale"))
    return Reading(
        program="SwarmUI",
        prompt=text(params.get("prompt")),
        negative_prompt=text(params.get("negativeprompt")),
        num_inference_steps=whole(params.get("steps")),
        guidance_scale=number(params.get("cfgscale")) if guidance is None else guidance,
        seed=whole(params.get("seed")),
        width=side(params.get("width")),
        height=side(params.get("height")),
        sampler=text(params.get("sampler")),
        schedule=text(params.get("scheduler")),
        model=model_name(params.get("model")),
        loras=_loras(params),
    )


def _loras(params: Json) -> tuple[tuple[str, float], ...]:
    names, weights = (_listed(params.get(key)) for key in ("loras", "loraweights"))
    pairs = (
        weighted(name, weights[i] if i < len(weights) else 1) for i, name in enumerate(names[:16])
    )
    return tuple(pair for pair in pairs if pair)


def _listed(value: object) -> list[object]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value if isinstance(value, list) else []
