"""What /reload answers. Who can use it is on the tour."""

from cogs.about.reload import report_lines
from cogs.reloading import Reloaded


def test_what_came_of_it_is_told_in_lines() -> None:
    assert list(report_lines(Reloaded())) == ["Nothing has changed in the settings."]
    reloaded = Reloaded(
        live=("limits.queue_size", "models.my_dog"),
        restart=("engine.device",),
        needed=("models.cat",),
    )
    assert list(report_lines(reloaded)) == [
        "Changed: `limits.queue_size`, `models.my_dog`.",
        "Jobs still need these, so they stay as they were. Reload again later: `models.cat`.",
        "These take a restart, and stay as they were until then: `engine.device`.",
    ]


def test_mistakes_are_told_as_they_are() -> None:
    problem = "my_config.toml, line 3: limits.queue_size: 0 is too small."
    assert list(report_lines(Reloaded(problems=(problem,)))) == [
        "The settings have mistakes, so everything stays as it was:",
        r"- my\_config.toml, line 3: limits.queue\_size: 0 is too small.",
    ]
