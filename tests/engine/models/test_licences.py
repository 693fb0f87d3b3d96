"""What licences allow is said in a line; what isn't known isn't guessed."""

import pytest

from engine.models.checkpoints import CHECKPOINTS
from engine.models.licences import (
    LicenceTerms,
    Safeguards,
    known_terms,
    licence_text,
    licence_warnings,
)

FILTERED = "asks for a content filter and for disclosing that pictures are AI-made"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("apache-2.0", "apache-2.0: commercial use allowed"),
        ("openrail++", "openrail++: commercial use allowed; some uses are prohibited"),
        ("cc-by-nc-sa-4.0", "cc-by-nc-sa-4.0: no commercial use"),
        (
            "flux-1-dev-non-commercial-license",
            "flux-1-dev-non-commercial-license: no commercial use of the model itself; " + FILTERED,
        ),
        (
            "krea-2-community-license",
            "krea-2-community-license: commercial use allowed below $1M revenue a year; "
            + FILTERED,
        ),
        ("fox-1", "fox-1: its terms aren't known here, so read them"),
        ("other", "other: its terms aren't known here, so read them"),
        ("not-apache-2.0", "not-apache-2.0: its terms aren't known here, so read them"),
        (None, None),
    ],
)
def test_a_licence_is_said_in_a_line(name: str | None, line: str | None) -> None:
    assert licence_text(name) == line


def test_a_link_is_shown_with_the_name_or_alone() -> None:
    assert (licence_text("MIT", "https://x") or "").startswith("MIT (https://x): commercial")
    assert licence_text(None, "https://x") == (
        "https://x: its terms aren't known here, so read them"
    )


def test_what_a_licence_asks_for_and_is_not_done_is_said() -> None:
    krea = known_terms("Krea 2 Community")
    assert krea is not None
    [filter_] = licence_warnings(krea, Safeguards())
    assert "asks for a content filter, and there is none" in filter_
    [disclosure] = licence_warnings(krea, Safeguards(classifier=True, metadata="none"))
    assert "asks you to disclose that pictures are AI-made" in disclosure
    assert licence_warnings(krea, Safeguards(classifier=True, metadata="minimal")) == ()
    assert licence_warnings(known_terms("mit"), Safeguards()) == ()
    assert licence_warnings(None, Safeguards(metadata="none")) == ()
    assert licence_warnings(LicenceTerms(note="?"), Safeguards()) == (), "unknown isn't a wish"


def test_the_licences_of_known_checkpoints_are_known_and_agree() -> None:
    """Where the table of checkpoints says that a licence forbids selling, so does this one."""
    for source, checkpoint in CHECKPOINTS.items():
        terms = known_terms(checkpoint.licence.name)
        assert terms is not None, (source, checkpoint.licence.name)
        if "no commercial use" in checkpoint.licence.note:
            assert "no commercial use" in terms.note, source
