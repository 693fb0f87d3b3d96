"""What can go wrong with Civitai, in sentences that help the owner."""

import errno

import httpx2
from huggingface_hub.errors import OfflineModeIsEnabled

from engine.errors import ModelUnavailable
from engine.hub.errors import DiskFull, GatedModel, HubUnreachable
from speech import say

KEYS = "https://civitai.com/user/account"


def require_status(response: httpx2.Response, name: str, *, has_token: bool) -> None:
    """Raise `ModelUnavailable` unless Civitai has answered what was asked."""
    if not response.is_error:
        return
    match response.status_code:
        case 401 | 403:
            raise needs_login(name, has_token=has_token)
        case 404 | 410:
            raise ModelUnavailable(
                say(
                    "Civitai has no “{source}”. Check the number, or the link of the model's page.",
                    source=name,
                )
            )
        case 429:
            raise HubUnreachable(
                say("Civitai asks to wait. Try “{source}” again in some minutes.", source=name)
            )
        case status:
            raise HubUnreachable(
                say(
                    "Civitai returned status {status} for “{source}”. Try again later.",
                    status=status,
                    source=name,
                )
            )


def require_file(response: httpx2.Response, name: str, *, has_token: bool) -> None:
    """Raise `ModelUnavailable` unless the answer is a file rather than a page that asks to log in.

    Civitai sends on to its login page when a download needs an account.
    """
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
    if not response.is_error and (kind == "text/html" or response.url.path == "/login"):
        raise needs_login(name, has_token=has_token)
    require_status(response, name, has_token=has_token)


def needs_login(name: str, *, has_token: bool) -> GatedModel:
    """The error for what only some accounts may have."""
    if has_token:
        return GatedModel(
            say(
                "The account behind the Civitai token can't download “{source}”. It may have to "
                "be bought, or the token is wrong: create one at {page}.",
                source=name,
                page=KEYS,
            )
        )
    return GatedModel(
        say(
            "“{source}” needs a login on Civitai. Create an API key at {page}, and set it as "
            "[engine] civitai_token or CIVITAI_TOKEN.",
            source=name,
            page=KEYS,
        )
    )


def explain_civitai_error(error: BaseException, name: str) -> ModelUnavailable:
    """The error with a sentence for what was raised about a model on Civitai."""
    match error:
        case ModelUnavailable():
            return error
        case OfflineModeIsEnabled():
            return HubUnreachable(
                say(
                    "“{source}” isn't on disk, and HF_HUB_OFFLINE blocks downloads. Unset it.",
                    source=name,
                )
            )
        case httpx2.TransportError() | ConnectionError():
            return HubUnreachable(
                say(
                    "Civitai can't be reached, and “{source}” isn't on disk. Check the network "
                    "and try again.",
                    source=name,
                )
            )
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return DiskFull(
                say(
                    "The disk is full. Free some space and download “{source}” again to resume.",
                    source=name,
                )
            )
        case OSError(errno=errno.EACCES | errno.EROFS | errno.EPERM, filename=str(path)):
            return ModelUnavailable(
                say("“{source}” can't be stored: {path} isn't writable.", source=name, path=path)
            )
    return ModelUnavailable(
        say("Civitai's answer about “{source}” can't be read. Try again later.", source=name)
    )
