"""The table of what full-size trainings take is what is planned."""

import pytest

from tests.card.training_table import LABELS, row
from tests.pages import ROOT, Page

PAGES = [Page(path) for path in sorted((ROOT / "docs").glob("**/training.md"))]


def test_each_model_has_a_row_in_each_language() -> None:
    assert len(PAGES) == 2
    for _, label in LABELS.values():
        assert all(page.text.count(f"\n| {label} ") == 1 for page in PAGES), label


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", LABELS)
def test_a_row_is_what_is_planned(name: str) -> None:
    """Run `python -m tests.card.training_table`, and put its rows into the pages."""
    line = row(name)
    assert all(line in page.text for page in PAGES)
