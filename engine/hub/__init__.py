"""The models' files: sources, what is on disk, downloads, and what is in the files."""

from engine.hub.client import HubClient
from engine.hub.downloads import DownloadProgress, download
from engine.hub.errors import (
    CorruptFile,
    DiskFull,
    DownloadStopped,
    GatedModel,
    HubUnreachable,
)
from engine.hub.presence import (
    DiskUsage,
    LocalFiles,
    Presence,
    disk_usage,
    local_files,
)
from engine.hub.shared_files import remove_unshared
from engine.hub.sources import Origin, Source, SourceKind, origin
from engine.hub.verify import delete_files, discard_flawed, verify

__all__ = [
    "CorruptFile",
    "DiskFull",
    "DiskUsage",
    "DownloadProgress",
    "DownloadStopped",
    "GatedModel",
    "HubClient",
    "HubUnreachable",
    "LocalFiles",
    "Origin",
    "Presence",
    "Source",
    "SourceKind",
    "delete_files",
    "discard_flawed",
    "disk_usage",
    "download",
    "local_files",
    "origin",
    "remove_unshared",
    "verify",
]
