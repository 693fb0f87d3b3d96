"""The models' files: what a source means, what is in it, how it comes here, what of it is here."""

from engine.library.care import remove, verify
from engine.library.downloads import Progress, download, download_now
from engine.library.hub import Hub
from engine.library.inspection import Inspection, inspect
from engine.library.problems import (
    CorruptFile,
    DiskFull,
    DownloadStopped,
    GatedModel,
    HubUnreachable,
)
from engine.library.sharing import remove_unshared
from engine.library.sizes import human_size
from engine.library.sources import Kind, Origin, Source, origin, origin_of
from engine.library.stocks import LocalFiles, Presence, Stock, local_files, stock, stock_of

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
