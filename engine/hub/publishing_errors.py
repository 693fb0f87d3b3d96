"""What can go wrong with one's own account and repositories on the Hub, in sentences."""

import errno

import httpx2
from huggingface_hub.errors import (
    BadRequestError,
    HfHubHTTPError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from engine.errors import AtelierError
from engine.hub.errors import TOKENS, HubUnreachable
from speech import say

ERRORS = (OSError, ValueError, RuntimeError, httpx2.HTTPError)
"""What the Hub's client raises while it publishes; `explain_publishing_error` tells them apart."""


class HubTokenError(AtelierError):
    """There is no token, or the Hub doesn't accept it, or it may not do this."""


class NotPublished(AtelierError):
    """The Hub doesn't take this: its name is taken, or something in it isn't valid."""


def explain_publishing_error(error: BaseException, repo: str = "") -> AtelierError:
    """The error with a sentence for what the Hub's client or the system raised.

    The Hub's client wraps errors in errors: the outermost known one counts.

    Args:
        error: The error.
        repo: What was to be published; empty if the account was asked about.
    """
    cause: BaseException | None = error
    while cause is not None:
        if (known := _known(cause, repo)) is not None:
            return known
        cause = cause.__cause__ or cause.__context__
    lines = [line.strip(" -.") for line in str(error).splitlines() if line.strip(" -.")]
    reason = ". ".join(lines[:2]) or type(error).__name__
    return NotPublished(say("The Hub doesn't take “{repo}”: {reason}.", repo=repo, reason=reason))


def no_token() -> HubTokenError:
    """The error where a token is needed and none is set."""
    return HubTokenError(
        say(
            "You aren't logged in to the Hub. Create a token that can write at {page}, then run "
            "“hub login”.",
            page=TOKENS,
        )
    )


def read_only(repo: str) -> HubTokenError:
    """The error where the token may not write."""
    return HubTokenError(
        say(
            "This token can't write to “{repo}” on the Hub. Create one that can at {page}, then "
            "run “hub login”.",
            repo=repo,
            page=TOKENS,
        )
    )


def name_taken(repo: str) -> NotPublished:
    """The error where a repository of that name exists and holds something else."""
    return NotPublished(
        say(
            "“{repo}” is already on the Hub, and something else is in it. Choose another "
            "repository.",
            repo=repo,
        )
    )


def seen_by_everybody(repo: str) -> NotPublished:
    """The error where a repository is public, and what is published isn't meant to be."""
    return NotPublished(
        say(
            "Everybody sees “{repo}” on the Hub. Make it private there first, or choose another "
            "repository.",
            repo=repo,
        )
    )


def _known(error: BaseException, repo: str) -> AtelierError | None:
    match error:
        case AtelierError():
            return error
        case LocalTokenNotFoundError():
            return no_token()
        case OfflineModeIsEnabled():
            return HubUnreachable(say("HF_HUB_OFFLINE blocks the Hub. Unset it."))
        case RepositoryNotFoundError():
            return NotPublished(
                say("“{repo}” isn't on the Hub, or this token can't see it.", repo=repo)
            )
        case BadRequestError():
            return None
        case HfHubHTTPError():
            return _refused(error.response.status_code, repo)
        case httpx2.TransportError() | ConnectionError():
            return HubUnreachable(
                say(
                    "The Hub can't be reached. Check the network and run the same command again; "
                    "what was uploaded is kept."
                )
                if repo
                else say("The Hub can't be reached. Check the network and try again.")
            )
        case PermissionError(errno=None):  # hf_xet: the Hub gives no right to store
            return read_only(repo)
        case OSError(errno=errno.ENOENT | errno.EACCES, filename=str(path)):
            return NotPublished(say("{path} can't be read.", path=path))
    return None


def _refused(status: int, repo: str) -> AtelierError:
    match status:
        case 401:
            return HubTokenError(
                say("The Hub rejected the token. Create a new one at {page}.", page=TOKENS)
            )
        case 402:
            return NotPublished(
                say("The account's storage on the Hub is used up. Free some or extend it there.")
            )
        case 403 if repo:
            return read_only(repo)
        case 409:
            return name_taken(repo)
        case 429:
            return HubUnreachable(
                say("The Hub got too many requests from here. Try again in a few minutes.")
            )
    return HubUnreachable(
        say(
            "The Hub returned status {status}. Run the same command again later; what was uploaded "
            "is kept.",
            status=status,
        )
        if repo
        else say("The Hub returned status {status}. Try again later.", status=status)
    )
