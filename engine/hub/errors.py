"""What can go wrong with a model's files, in sentences that help its owner."""

import errno
from typing import TypeVar

import httpx2
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    SafetensorsParsingError,
)

from engine.errors import ModelUnavailable
from speech import say

T = TypeVar("T")

TERMS = "https://huggingface.co"
TOKENS = "https://huggingface.co/settings/tokens"


class CorruptFile(ModelUnavailable):
    """A file is cut off, or doesn't match its hash."""


class DiskFull(ModelUnavailable):
    """The disk is full."""


class GatedModel(ModelUnavailable):
    """The Hub gives it only to accounts that have accepted its terms."""


class DownloadStopped(ModelUnavailable):
    """The download was stopped; the next one resumes there."""


class HubUnreachable(ModelUnavailable):
    """The Hub can't be reached now."""


def require_cached(found: T | None, text: str) -> T:
    """What a download of `text` has put into the cache. Raises `CorruptFile` if it isn't there."""
    if found is None:
        raise CorruptFile(say("“{text}” couldn't be put into the cache.", text=text))
    return found


def explain_hub_error(error: BaseException, repo: str) -> ModelUnavailable:
    """The error with a sentence for what the Hub's client or the system raised about `repo`.

    The Hub's client and Diffusers wrap errors in errors: the outermost known one counts.
    """
    cause: BaseException | None = error
    while cause is not None:
        if (known := _sentence(cause, repo)) is not None:
            return known
        cause = cause.__cause__ or cause.__context__
    first = str(error).strip().split("\n", 1)[0].rstrip(".")
    return ModelUnavailable(
        say("“{repo}” can't be fetched from the Hub: {reason}.", repo=repo, reason=first)
    )


def _sentence(error: BaseException, repo: str) -> ModelUnavailable | None:
    match error:
        case ModelUnavailable():
            return error
        case GatedRepoError():
            return GatedModel(
                say(
                    "“{repo}” is gated. Accept its terms at {page} with your Hugging Face "
                    "account, then set HF_TOKEN to a token of that account ({tokens}).",
                    repo=repo,
                    page=f"{TERMS}/{repo}",
                    tokens=TOKENS,
                )
            )
        case RepositoryNotFoundError():
            return ModelUnavailable(
                say(
                    "The Hub has no public model “{repo}”. Check the spelling, or set HF_TOKEN "
                    "if it's private.",
                    repo=repo,
                )
            )
        case RevisionNotFoundError():
            return ModelUnavailable(
                say(
                    "“{repo}” has no such revision. Use one of its branches, tags or commits.",
                    repo=repo,
                )
            )
        case RemoteEntryNotFoundError():
            return ModelUnavailable(
                say(
                    "“{repo}” has no such file. See what it has at {page}/tree/main.",
                    repo=repo,
                    page=f"{TERMS}/{repo}",
                )
            )
        case SafetensorsParsingError():
            return CorruptFile(
                say("“{repo}” has a .safetensors file that can't be read.", repo=repo)
            )
        case OfflineModeIsEnabled():
            return HubUnreachable(
                say(
                    "“{repo}” isn't on disk, and HF_HUB_OFFLINE blocks the Hub. Unset it, or "
                    "download the model elsewhere.",
                    repo=repo,
                )
            )
        case HfHubHTTPError():
            return _refused(error.response.status_code, repo)
        case httpx2.TransportError() | ConnectionError() | LocalEntryNotFoundError():
            return HubUnreachable(
                say(
                    "“{repo}” isn't fully on disk, and the Hub can't be reached. Check the "
                    "network and try again.",
                    repo=repo,
                )
            )
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return DiskFull(
                say(
                    "The disk is full. Free some space and download “{repo}” again to resume.",
                    repo=repo,
                )
            )
        case OSError(errno=errno.EACCES | errno.EROFS | errno.EPERM, filename=str(path)):
            return ModelUnavailable(
                say(
                    "“{repo}” can't be stored: {path} isn't writable. Set HF_HOME to a folder "
                    "of your own.",
                    repo=repo,
                    path=path,
                )
            )
    return None


def _refused(status: int, repo: str) -> ModelUnavailable:
    if status == 401:
        return ModelUnavailable(
            say("The Hub rejected the token. Create a new one at {page}.", page=TOKENS)
        )
    if status == 403:
        return GatedModel(
            say(
                "This token can't read “{repo}” on the Hub. Give it access at {page}.",
                repo=repo,
                page=TOKENS,
            )
        )
    return HubUnreachable(
        say(
            "The Hub returned status {status} for “{repo}”. Try again later.",
            status=status,
            repo=repo,
        )
    )
