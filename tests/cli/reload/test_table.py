"""It is decided of every setting whether it counts at once."""

from pathlib import Path

from cli.reload.table import ENTRIES, LIVE, RESTART
from cli.settings import Settings
from tests.pages import Page, code


def test_every_setting_counts_at_once_or_takes_a_restart() -> None:
    assert LIVE.keys() | RESTART.keys() == Settings.model_fields.keys()
    for section, field in Settings.model_fields.items():
        keys = set(getattr(field.annotation, "model_fields", {ENTRIES}))
        live = LIVE.get(section, frozenset())
        restart = RESTART.get(section, frozenset())
        assert live | restart == keys, section
        assert not live & restart, section


def test_the_manual_names_those_that_count_at_once() -> None:
    for language, heading in (("", "Reload"), ("zh-CN", "重新读取设置")):
        section = Page(Path("docs", language, "owners.md")).section(heading)
        named = {text.strip("[]") for text in code(section)}
        for name, keys in LIVE.items():
            wanted = {f"{name}.NAME"} if ENTRIES in keys else {name, *keys}
            assert wanted <= named, name
