"""The models' files: what a source means, what is in it, how it comes here, what of it is here."""

from engine.hub.verify import remove, verify
from engine.hub.downloads import Progress, download, download_now
from engine.hub.client import Hub
from engine.models.inspection import Inspection, inspect
from engine.hub.errors import (
    CorruptFile,
    DiskFull,
    DownloadStopped,
    GatedModel,
    HubUnreachable,
)
from engine.hub.shared_files import remove_unshared
from engine.hub.sizes import human_size
from engine.hub.sources import Kind, Origin, Source, origin, origin_of
from engine.hub.presence import LocalFiles, Presence, Stock, local_files, stock, stock_of

__all__ = [
    "CorruptFile",
    "DiskFull",
    "DownloadStopped",
    "GatedModel",
    "Hub",
    "HubUnreachable",
    "Inspection",
    "Kind",
    "LocalFiles",
    "Origin",
    "Presence",
    "Progress",
    "Source",
    "Stock",
    "download",
    "download_now",
    "human_size",
    "inspect",
    "local_files",
    "origin",
    "origin_of",
    "remove",
    "remove_unshared",
    "stock",
    "stock_of",
    "verify",
]
