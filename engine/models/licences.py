"""Well-known licences by their names: what they allow, and what they ask of who paints for others.

Names are those of model cards (`license` and `license_name`) and of the table of checkpoints, as
`_normal` makes them. A term that isn't known is `None`, and nothing is said of it; a licence that
isn't known has no entry. The clauses about filters and disclosure are those of FLUX Non-Commercial
v2.1 §2(e), FLUX Kommunity v1.0, and Krea 2 Community v1 §4.2
(https://raw.githubusercontent.com/krea-ai/krea-2/main/docs/KREA-2-COMMUNITY-LICENSE).
"""

import re
from dataclasses import dataclass

from engine.models.checkpoint import Licence
from engine.settings import Metadata
from speech import phrase, say


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceTerms:
    """What a licence says; `None` is unknown.

    Attributes:
        note: What it allows, in a few words.
        filter_wanted: Whether it asks for a content filter, or a review of the pictures.
        disclosure_wanted: Whether it asks to disclose that pictures are AI-made.
    """

    note: str
    filter_wanted: bool | None = None
    disclosure_wanted: bool | None = None


@dataclass(frozen=True, slots=True)
class Safeguards:
    """What the owner does for licences that ask for it.

    Attributes:
        classifier: Whether pictures are checked.
        metadata: What picture files say of themselves.
    """

    classifier: bool = False
    metadata: Metadata = "full"


FREE = LicenceTerms(
    note=phrase("commercial use allowed"),
    filter_wanted=False,
    disclosure_wanted=False,
)
CREDIT = LicenceTerms(
    note=phrase("commercial use allowed, with credit to its makers"),
    filter_wanted=False,
    disclosure_wanted=False,
)
RESTRICTED_USES = LicenceTerms(note=phrase("commercial use allowed; some uses are prohibited"))
SHARED_ALIKE = LicenceTerms(
    note=phrase("commercial use allowed; changed models must be shared under the same terms"),
)
NOT_COMMERCIAL = LicenceTerms(note=phrase("no commercial use"))
STABILITY = LicenceTerms(
    note=phrase("free for private use; commercial use free below $1M revenue a year"),
)
FLUX_NC = LicenceTerms(
    note=phrase("no commercial use of the model itself"),
    filter_wanted=True,
    disclosure_wanted=True,
)
KOMMUNITY = LicenceTerms(
    note=phrase("no commercial use of the model itself; pictures may be sold below $5M revenue"),
    filter_wanted=True,
    disclosure_wanted=True,
)
KREA = LicenceTerms(
    note=phrase("commercial use allowed below $1M revenue a year"),
    filter_wanted=True,
    disclosure_wanted=True,
)
SELLABLE_PICTURES = LicenceTerms(note=phrase("its author allows selling pictures"))
UNSELLABLE_PICTURES = LicenceTerms(note=phrase("its author doesn't allow selling pictures"))

KNOWN: tuple[tuple[str, LicenceTerms], ...] = (
    (r"apache-2-0|mit|bsd(-[234]-clause)?|isc|cc0-1-0|unlicense|wtfpl", FREE),
    (r"cc-by-[234]-[05]", CREDIT),
    (r"cc-by-nc(-nd|-sa)?-[234]-[05]", NOT_COMMERCIAL),
    (r"(creativeml|bigscience|bigcode)?-?open-?rail(-m)?", RESTRICTED_USES),
    (r"faipl-1-0(-sd)?|fair-ai-public-license-1-0(-sd)?", SHARED_ALIKE),
    (r"stability-ai-community(-license)?|stabilityai-(ai-)?community(-license)?", STABILITY),
    (r"sai-nc-community", STABILITY),
    (r"flux(-1|-2)?(-dev|-klein)?-non-commercial(-license)?", FLUX_NC),
    (r"flux(-3)?-kommunity(-license)?(-v?1-0)?", KOMMUNITY),
    (r"krea-2-community(-license)?(-agreement)?(-v?1)?", KREA),
    (r"qwen-research(-license)?(-agreement)?", NOT_COMMERCIAL),
    (r"nvidia-nscl(-v1)?|nsclv1|nvidia-source-code-license", NOT_COMMERCIAL),
    (r"circlestone(-labs)?-non-commercial(-license)?", NOT_COMMERCIAL),
    (r"ideogram-4?-?non-commercial(-license)?", NOT_COMMERCIAL),
    (r"civitai-selling-pictures-allowed", SELLABLE_PICTURES),
    (r"civitai-selling-pictures-not-allowed", UNSELLABLE_PICTURES),
)
"""The names of each licence, as a pattern."""


def known_terms(name: str | None) -> LicenceTerms | None:
    """What the licence of that name says; `None` if it isn't known."""
    normal = _normal(name or "")
    return next((terms for names, terms in KNOWN if re.fullmatch(names, normal)), None)


def licence_text(name: str | None, link: str | None = None) -> str | None:
    """A line about the licence of a model card: its name, and what it allows and asks for."""
    shown = f"{name} ({link})" if name and link else name or link
    if shown is None:
        return None
    if (terms := known_terms(name)) is None:
        return say("{licence}: its terms aren't known here, so read them", licence=shown)
    return _line(shown, say(terms.note), terms)


def checkpoint_licence_text(licence: Licence) -> str:
    """A line about a licence in the table of checkpoints, whose own note counts."""
    return _line(licence.name, say(licence.note), known_terms(licence.name))


def licence_warnings(terms: LicenceTerms | None, safeguards: Safeguards) -> tuple[str, ...]:
    """Sentences about what a licence asks for and isn't done here."""
    if terms is None:
        return ()
    warnings = []
    if terms.filter_wanted and not safeguards.classifier:
        warnings.append(
            say(
                "This licence asks for a content filter, and there is none: set [safety] "
                "classifier, or let moderators review pictures."
            )
        )
    if terms.disclosure_wanted and safeguards.metadata == "none":
        warnings.append(
            say(
                "This licence asks you to disclose that pictures are AI-made, and with [storage] "
                "metadata “none” their files don't say so."
            )
        )
    return tuple(warnings)


def _line(shown: str, note: str, terms: LicenceTerms | None) -> str:
    values = {"licence": shown, "note": note}
    match (terms and terms.filter_wanted, terms and terms.disclosure_wanted):
        case (True, True):
            return say(
                "{licence}: {note}; asks for a content filter and for disclosing that pictures "
                "are AI-made",
                **values,
            )
        case (True, _):
            return say("{licence}: {note}; asks for a content filter", **values)
        case (_, True):
            return say("{licence}: {note}; asks for disclosing AI-made pictures", **values)
    return say("{licence}: {note}", **values)


def _normal(name: str) -> str:
    """A name in small letters, with a hyphen for whatever else is in it."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")
