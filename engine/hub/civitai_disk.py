"""Files from Civitai on disk: in the Hugging Face cache, a folder of its own for each version.

civitai/12345/version.json      what Civitai says of the version
civitai/12345/<SHA-256>         the bytes
civitai/12345/x.safetensors     a link to them
"""

import json
import shutil
from pathlib import Path

from huggingface_hub import constants

from engine.hub.civitai import CivitaiVersion
from engine.hub.http_download import PARTIAL_SUFFIX

FOLDER, FACTS = "civitai", "version.json"


def civitai_folder(version: int) -> Path:
    """Where the files of a version are kept."""
    return Path(constants.HF_HUB_CACHE) / FOLDER / str(version)


def civitai_file(version: int) -> Path | None:
    """The file of a version on disk; `None` if it isn't there."""
    found = civitai_folder(version).glob("*.safetensors")
    return next((file for file in sorted(found) if file.is_file()), None)


def civitai_facts(version: int) -> CivitaiVersion | None:
    """What Civitai said of a version that was downloaded; `None` if that isn't on disk."""
    try:
        stored = json.loads((civitai_folder(version) / FACTS).read_text("utf-8"))
        return CivitaiVersion(**stored | {"trained_words": tuple(stored["trained_words"])})
    except (OSError, ValueError, TypeError, LookupError):
        return None


def civitai_partial_bytes(version: int) -> int:
    """Bytes of an unfinished download of a version."""
    return sum(file.stat().st_size for file in civitai_folder(version).glob(f"*{PARTIAL_SUFFIX}"))


def delete_civitai(version: int) -> int:
    """Delete the files of a version; returns how many bytes that freed."""
    folder = civitai_folder(version)
    freed = sum(
        file.stat().st_size for file in folder.glob("*") if file.is_file() and not file.is_symlink()
    )
    shutil.rmtree(folder, ignore_errors=True)
    return freed
