"""What a model of the catalogue is made from, where from, and how much of it is on disk."""

from engine.errors import ModelUnavailable
from engine.hub.civitai import CivitaiClient
from engine.hub.client import HubClient
from engine.hub.presence import DiskUsage, Presence, disk_usage
from engine.hub.sources import Origin, origin
from engine.models.model import Model
from engine.settings import EngineSettings


def hub_of(settings: EngineSettings) -> HubClient:
    """Where models come from, by the settings."""
    civitai = CivitaiClient(settings.civitai_url, settings.plain_civitai_token)
    return HubClient(settings.hub_url, settings.plain_hub_token, civitai)


def origin_of(model: Model, *, allow_pickle: bool = False) -> Origin:
    """The source of `model`, and its separate denoiser if it has one.

    Raises:
        ModelUnavailable: As `origin`.
    """
    return origin(
        model.source,
        denoiser=model.denoiser,
        revision=model.revision,
        variant=model.variant,
        allow_pickle=allow_pickle,
    )


def disk_usage_of(model: Model, *, allow_pickle: bool = False) -> DiskUsage:
    """How much of `model` is on disk. Downloads nothing and reads no weights."""
    try:
        return disk_usage(origin_of(model, allow_pickle=allow_pickle))
    except ModelUnavailable as error:
        return DiskUsage(Presence.NO_FOLDER, errors=(error.sentence,))
