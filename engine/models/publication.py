"""What is uploaded of something that can be published: where to, with which licence and card."""

import re
from collections.abc import Sequence
from pathlib import Path

from engine.errors import InvalidRequest
from engine.hub.account import Account
from engine.hub.model_card import CardFacts, CardLicence, Sample, model_card, with_samples
from engine.hub.publishing import Publication
from engine.hub.publishing_errors import HubTokenError, read_only
from engine.hub.sources import REPOSITORY, is_hub_id
from engine.images.samples import bare_sample
from engine.models.card_licences import inherited_licence
from engine.models.families import FAMILIES
from engine.models.publishable import Publishable
from speech import join_list, say

IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9.+-]*")
LICENCES = "https://huggingface.co/docs/hub/repositories-licenses"

SHEET = "images/training.png"
"""Where the picture of how a LoRA learnt is in its repository."""


def repository_of(found: Publishable, wished: str, account: Account) -> str:
    """Where something is published.

    Args:
        found: It.
        wished: `owner/name`, or a name in the account; empty for its own name.
        account: Whose token is used.

    Raises:
        InvalidRequest: That can't be a name on the Hub.
        HubTokenError: The account or its token can't publish there.
    """
    name = (
        wished or re.sub(r"[^\w.-]+|-{2,}", "-", found.name, flags=re.ASCII).strip("-.") or "lora"
    )
    repo = name if "/" in name else f"{account.name}/{name}"
    if not (REPOSITORY.fullmatch(repo) and is_hub_id(repo)):
        raise InvalidRequest(say("“{repo}” isn't a name on the Hub. Write OWNER/NAME.", repo=repo))
    owner = repo.partition("/")[0]
    if not account.may_publish_as(owner):
        raise HubTokenError(
            say(
                "The account “{account}” can't publish as “{owner}”. Publish as {others}.",
                account=account.name,
                owner=owner,
                others=join_list((account.name, *account.organizations)),
            )
        )
    if account.role == "read":
        raise read_only(repo)
    return repo


def licence_of(found: Publishable, base: str | None, given: str | None) -> CardLicence | None:
    """The licence that was given, else that of the base, else of its own card; `None` if unknown.

    Whoever names the base's own gets it with what it asks for.

    Raises:
        InvalidRequest: What was given can't be a licence.
    """
    inherited = inherited_licence(base)
    if inherited is not None and given in (None, inherited.identifier):
        return inherited
    identifier = given or found.licence
    return None if identifier is None else CardLicence(identifier=checked_licence(identifier))


def checked_licence(text: str) -> str:
    """The identifier of a licence. Raises `InvalidRequest` when it can't be one."""
    if not IDENTIFIER.fullmatch(text):
        raise InvalidRequest(
            say(
                "“{text}” isn't a licence of the Hub, such as apache-2.0. All of them: {page}",
                text=text,
                page=LICENCES,
            )
        )
    return text


def publication_of(
    found: Publishable,
    repo: str,
    licence: CardLicence | None,
    *,
    base: str | None,
    more_samples: Sequence[Path] = (),
    public: bool = False,
) -> Publication:
    """What will be uploaded. Blocks.

    Args:
        found: What is published.
        repo: Where.
        licence: Its licence; `None` to keep the card that its owner wrote.
        base: Hub ID of what it was trained on; `None` if unknown.
        more_samples: Pictures to show after its own.
        public: Whether everybody sees it.

    Raises:
        InvalidRequest: A picture can't be read.
    """
    shown = [(file, *bare_sample(file)) for file in (*found.previews, *more_samples)]
    samples = [
        Sample(f"images/{number}.png", found.prompts.get(file, prompt))
        for number, (file, _, prompt) in enumerate(shown, start=1)
    ]
    files: dict[str, Path | bytes] = {**found.files}
    files |= {each.path: data for each, (_, data, _) in zip(samples, shown, strict=True)}
    if licence is None:
        assert found.card is not None, "its licence isn't known"
        card = with_samples(found.card, samples) if samples else found.card
        return Publication(repo=repo, files=files, card=card, public=public)
    if found.sheet is not None:
        files[SHEET], _ = bare_sample(found.sheet)
    facts = FAMILIES.get(found.family or "")
    card = model_card(
        CardFacts(
            title=found.name,
            repo=repo,
            licence=licence,
            inherits=licence == inherited_licence(base),
            description=found.description,
            base_model=base,
            lora_file=next(iter(found.files)) if found.is_lora else None,
            pipeline=found.pipeline,
            dtype=facts.dtype if facts else "float16",
            needs_picture=facts is not None and facts.edits_only,
            trigger=found.trigger,
            samples=samples,
            sheet=SHEET if found.sheet is not None else "",
            settings=found.settings,
            tags=[found.family] if found.family else [],
        )
    )
    return Publication(repo=repo, files=files, card=card, public=public)
