"""Which files a model or LoRA needs from Civitai, and which of them are missing."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.atomic_write import write_whole
from engine.errors import ModelUnavailable
from engine.hub.civitai import CivitaiClient, CivitaiHeader, CivitaiVersion
from engine.hub.civitai_disk import FACTS, civitai_facts, civitai_file, civitai_folder
from engine.hub.civitai_errors import explain_civitai_error, require_file
from engine.hub.civitai_links import civitai_ref
from engine.hub.client import HubClient, RemoteFile
from engine.hub.needed_files import NeededFiles
from engine.hub.sources import Source
from engine.hub.tensor_headers import Tensor
from speech import say

CHECKPOINT, LORAS = "Checkpoint", ("LORA", "LoCon", "DoRA")
"""What Civitai calls models, and LoRAs."""


def look_up(text: str, client: CivitaiClient) -> CivitaiVersion | None:
    """The version that `text` names; `None` if it isn't on Civitai. Asks unless it's on disk.

    Raises:
        ModelUnavailable: It doesn't exist, can't be used, or Civitai can't be reached.
    """
    if (ref := civitai_ref(text)) is None:
        return None
    if ref.digest is not None:
        return client.version_by_digest(ref.digest)
    if ref.model is not None:
        return client.newest(ref.model)
    assert ref.version is not None
    on_disk = civitai_file(ref.version) and civitai_facts(ref.version)
    return on_disk or client.version(ref.version)


@dataclass(frozen=True, slots=True)
class CivitaiManifest(NeededFiles):
    """What a version on Civitai needs: its one file. As `engine.hub.manifest.Manifest`."""

    source: Source
    version: CivitaiVersion
    header: CivitaiHeader

    @property
    def file(self) -> RemoteFile:
        return RemoteFile(self.version.file, self.header.size, self.version.digest)

    @property
    def files(self) -> tuple[RemoteFile, ...]:
        return (self.file,)

    @property
    def missing(self) -> tuple[RemoteFile, ...]:
        """The file, unless it's there."""
        blob = self.blob(self.file)
        there = blob.is_file() and blob.stat().st_size == self.file.size
        return () if there or self._is_stored else (self.file,)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """What is in the file."""
        return self.header.tensors

    @property
    def folder(self) -> Path:
        return civitai_folder(self.version.version)

    def blob(self, file: RemoteFile) -> Path:
        """Where the bytes are kept."""
        return self.folder / file.digest

    def request(self, file: RemoteFile, hub: HubClient) -> tuple[str, Mapping[str, str]]:
        """The address of the file, and the headers to ask with."""
        return self.version.url, hub.civitai.headers

    def check(self, response: Any, hub: HubClient) -> None:
        """Raise `ModelUnavailable` if a page came in place of the file."""
        require_file(response, self.source.text, has_token=hub.civitai.has_token)

    def explain(self, error: BaseException) -> ModelUnavailable:
        """The error with a sentence for what was raised while downloading."""
        return explain_civitai_error(error, self.source.text)

    def discard_damaged(self) -> None:
        """Delete what stands in the place of the file and isn't it."""
        blob = self.blob(self.file)
        if blob.is_file() and blob.stat().st_size != self.file.size:
            blob.unlink()

    def link(self, hub: HubClient) -> None:
        """Give the bytes their name, and store what Civitai says of them."""
        name, blob = self.folder / self.version.file, self.blob(self.file)
        try:
            facts = json.dumps(asdict(self.version), ensure_ascii=False)
            write_whole(self.folder / FACTS, facts.encode())
            if blob.is_file():
                name.unlink(missing_ok=True)
                try:
                    name.symlink_to(blob.name)
                except OSError:  # a file system without links
                    blob.replace(name)
        except OSError as error:
            raise self.explain(error) from error

    @property
    def _is_stored(self) -> bool:
        """Whether it's there under its name, on a file system without links."""
        name = self.folder / self.version.file
        return name.is_file() and name.stat().st_size == self.file.size


def civitai_manifest(source: Source, hub: HubClient, kinds: tuple[str, ...]) -> CivitaiManifest:
    """What a source on Civitai needs from it.

    Raises:
        ModelUnavailable: It doesn't exist, isn't one of these kinds, or can't be had.
    """
    assert source.civitai is not None, "only a source on Civitai is asked for there"
    version = hub.civitai.version(source.civitai)
    if version.kind not in kinds:
        raise ModelUnavailable(_wrong_kind(source.text, version))
    return CivitaiManifest(source, version, hub.civitai.header(version))


def _wrong_kind(name: str, version: CivitaiVersion) -> str:
    if version.kind in LORAS:
        return say(
            "“{source}” ({name}) is a LoRA. Add it with `/lora add`.",
            source=name,
            name=version.name,
        )
    if version.kind == CHECKPOINT:
        return say(
            "“{source}” ({name}) is a model. Add it with `/model add`.",
            source=name,
            name=version.name,
        )
    return say(
        "“{source}” ({name}) is neither a model nor a LoRA. Civitai calls it {kind}.",
        source=name,
        name=version.name,
        kind=version.kind or "?",
    )
