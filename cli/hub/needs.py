"""What in the Hugging Face cache the bot needs, and for what."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from cli.models.catalogue import catalogue_of
from cli.settings import Settings
from engine import AdapterCatalogue, AdapterSettings, ModelSettings, open_adapter_manager
from engine.errors import ModelUnavailable
from engine.hub.cached import name_in_cache
from engine.hub.presence import sources_of
from engine.hub.preview_decoders import PREVIEW_DECODERS
from engine.hub.sources import Source, whole_source
from engine.models.catalogue import Catalogue
from engine.models.origins import origin_of


def needs(settings: Settings) -> Mapping[str, Sequence[str]]:
    """For what each thing in the cache is needed, by its name there. Raises `StorageError`."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for what, source in asyncio.run(_sources(settings)):
        name = name_in_cache(source)
        if name is not None and what not in found[name]:
            found[name].append(what)
    return found


async def _sources(settings: Settings) -> list[tuple[str, Source]]:
    models = await catalogue_of(settings)
    async with open_adapter_manager(
        settings.engine, settings.models, settings.adapters, settings.storage.path
    ) as manager:
        return [
            *_of_models(settings, models),
            *_of_loras(manager.catalogue),
            *_of_sections(settings),
        ]


def _of_models(settings: Settings, models: Catalogue) -> Iterator[tuple[str, Source]]:
    for model in models:
        what = f"model {model.name}"
        if decoder := PREVIEW_DECODERS.get(model.family or ""):
            yield from _named("previews", decoder)
        yield from _named(what, model.source, model.denoiser)
        try:
            origin = origin_of(model, allow_pickle=settings.engine.allow_pickle)
            yield from ((what, source) for source in sources_of(origin))
        except ModelUnavailable:
            continue


def _of_loras(loras: AdapterCatalogue) -> Iterator[tuple[str, Source]]:
    for adapter in loras:
        yield from _named(f"LoRA {adapter.name}", adapter.source)


def _of_sections(settings: Settings) -> Iterator[tuple[str, Source]]:
    """By the section that names it; models and LoRAs have names of their own."""
    for name, section in settings.sections():
        if not isinstance(section, ModelSettings | AdapterSettings):
            yield from _named(f"[{name}]", *section.file_sources.values())


def _named(what: str, *texts: str | None) -> Iterator[tuple[str, Source]]:
    for text in texts:
        if text and (source := whole_source(text)):
            yield what, source
