"""Text that is not said is seen: nobody could translate it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .sources import unsaid, unsaid_errors


def test_it_sees_what_is_not_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.speech.sources.ROOT", tmp_path)
    path = tmp_path / "cog.py"
    path.write_text(SOURCE, encoding="utf-8")
    assert [text.text for text in unsaid(path)] == SEEN
    assert [text.text for text in unsaid_errors(path, frozenset({"Refused"}))] == ["No."]


SEEN = ["Cancel", "No.", "Job {} is done.", "a picture", "ok"]

SOURCE = '''
"""What it is about."""
VERBS = {"cancel it": "Cancel", "again": phrase("Again")}

@app_commands.describe(name="Which one")
async def use(interaction, name):
    """Use it"""
    log.info("Used by %s", name)
    if name == "not this one":
        raise Refused("No.")
    text = f"Job {name} is done."
    await reply(interaction, say("{what} of {name}", what="a picture", name=name))
    view.add_item(ui.Button(label="ok", custom_id="atelier:ok"))
'''
