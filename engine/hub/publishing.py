"""Publishes files with a model card in a repository on the Hub.

One commit has everything. What was uploaded before an interruption isn't sent again: the client
compares files with those on the Hub, by Xet's chunks or by the hashes of Git LFS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import RepositoryNotFoundError

from engine.hub.client import TIMEOUT, HubClient
from engine.hub.model_card import CARD, MARK
from engine.hub.publishing_errors import (
    ERRORS,
    explain_publishing_error,
    name_taken,
    seen_by_everybody,
)

OWN = frozenset({".gitattributes", CARD})
"""What a repository has that nothing was published in, or that is written anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What is published.

    Attributes:
        repo: `owner/name` on the Hub.
        files: Files or their bytes, by their path in the repository.
        card: The model card.
        public: Whether everybody sees it.
    """

    repo: str
    files: Mapping[str, Path | bytes]
    card: str
    public: bool = False

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(
            len(file) if isinstance(file, bytes) else file.stat().st_size
            for file in self.files.values()
        )


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """How far an upload is; it is counted by files.

    Attributes:
        file: The one that is being uploaded, by its path in the repository.
        done: Bytes of the files before it.
        total: Bytes of all files.
    """

    file: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What is in a repository that goes on or is published anew.

    Attributes:
        private: Whether only its owners see it.
        empty: Whether it has no files yet.
    """

    private: bool
    empty: bool


def standing(publication: Publication, hub: HubClient) -> Standing | None:
    """What is there under the publication's name; `None` if the name is free. Blocks.

    Raises:
        NotPublished: Something else is there.
        HubTokenError: The token isn't accepted.
        HubUnreachable: The Hub can't be reached.
    """
    repo = publication.repo
    try:
        found = _api(hub).model_info(repo, timeout=TIMEOUT)
    except RepositoryNotFoundError:
        return None
    except ERRORS as error:
        raise explain_publishing_error(error, repo) from error
    if found.id.casefold() != repo.casefold():  # it was renamed, and its old name is free again
        return None
    names = {each.rfilename for each in found.siblings or ()}
    tags: list[str] = (found.card_data.tags if found.card_data else None) or []
    if names - OWN and (MARK not in tags or not names & publication.files.keys()):
        raise name_taken(repo)
    return Standing(private=bool(found.private), empty=not names - OWN)


def publish(
    publication: Publication,
    hub: HubClient,
    on_progress: Callable[[UploadProgress], None] | None = None,
) -> str:
    """Create the repository unless it's there, and upload everything in one commit. Blocks.

    Args:
        publication: What is published.
        hub: Where to.
        on_progress: Called before each file.

    Returns:
        The address of its page.

    Raises:
        NotPublished: The name is taken, the Hub doesn't take the card or a file, or everybody would
            see there what isn't meant for them.
        HubTokenError: The token may not write there.
        HubUnreachable: The Hub can't be reached; the same call goes on later.
    """
    api, repo = _api(hub), publication.repo
    there = standing(publication, hub)
    if there is not None and not there.private and not publication.public:
        raise seen_by_everybody(repo)
    try:
        if there is None:
            api.create_repo(repo, visibility="public" if publication.public else "private")
        api._validate_yaml(publication.card)
        additions = [CommitOperationAdd(CARD, publication.card.encode())]
        done = 0
        for path, file in publication.files.items():
            if on_progress is not None:
                on_progress(UploadProgress(path, done, publication.size))
            addition = CommitOperationAdd(path, file if isinstance(file, bytes) else str(file))
            done += addition.upload_info.size
            api.preupload_lfs_files(repo, [addition], free_memory=False)
            additions.append(addition)
        api.create_commit(repo, additions, commit_message="Publish with Atelier")
        if there is not None and there.private and publication.public:
            api.update_repo_settings(repo, visibility="public")
    except ERRORS as error:
        raise explain_publishing_error(error, repo) from error
    return f"{cast(Any, api).endpoint}/{repo}"


def _api(hub: HubClient) -> HfApi:
    return HfApi(endpoint=hub.endpoint, token=hub.token)
