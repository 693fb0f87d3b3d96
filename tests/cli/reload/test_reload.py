"""What is changed in the file counts at once where it can, and nothing does if a line is wrong."""

import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from discord.http import Route

from cli.reload.reloader import Reloader
from cli.reload.table import ENTRIES, LIVE
from cli.settings import load_settings
from cogs import Atelier
from cogs.policy.limits import Limits
from cogs.reloading import Reloaded
from engine import InvalidRequest, Requester, Studio, open_studio
from engine.models.networks import NetworkCatalogue
from tests.engine.builders import recipe

BEFORE = """
[log]
level = "info"
[engine]
default_model = "cat"
[models.cat]
source = "owner/cat"
[models.dog]
source = "owner/dog"
[adapters.ink]
source = "owner/ink"
"""

AFTER = """
[discord]
admin_roles = [7]
personal_training = true
unsafe_pictures = "withhold"
unsafe_may_be_shown = true
[storage]
keep_days = 3
keep_gb = 2
uploads_gb = 1
metadata = "none"
[log]
level = "warning"
[limits]
pictures_per_hour = 5
waiting_jobs = 2
queue_size = 9
roles.7 = { pictures_per_hour = 6 }
[safety]
classifier = "owner/classifier"
labels = ["porn"]
threshold = 0.9
[engine]
default_model = "bird"
draft_model = "bird"
patience = 7
grace = 8
[models.bird]
source = "owner/bird"
[models.dog]
source = "owner/wolf"
[adapters.oil]
source = "owner/oil"
[upscalers.sharp]
source = "owner/sharp"
[background]
model = "owner/background"
labels = ["air"]
[training]
idle_minutes = 7
hours = "1-2"
max_steps = 700
per_month = 1
command = ["train", "{config}"]
"""

Write = Callable[[str], Path]


class House:
    """A studio and a bot that were opened with `BEFORE`."""

    def __init__(self, studio: Studio, bot: Atelier, reloader: Reloader) -> None:
        self.studio = studio
        self.bot = bot
        self.reload = reloader.reload


@pytest.fixture
async def house(
    config: Write, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    config(BEFORE)
    settings = load_settings(None)
    async with (
        open_studio(
            settings.engine,
            settings.models,
            settings.storage.path,
            settings.limits.queue_size,
            settings.adapters,
            storage=settings.storage,
            safety=settings.safety,
            training=settings.training,
        ) as studio,
        Atelier(studio, settings.discord, settings.limits) as bot,
    ):
        yield House(studio, bot, Reloader(None, settings, studio, bot))


async def test_everything_that_can_counts_at_once(house: House, config: Write) -> None:
    assert await house.reload() == Reloaded()
    config(AFTER)
    reloaded = await house.reload()
    expected = {f"{name}.{key}" for name, keys in LIVE.items() for key in keys - {ENTRIES}}
    expected |= {"models.cat", "models.dog", "models.bird", "adapters.ink", "adapters.oil"}
    assert set(reloaded.live) == expected | {"upscalers.sharp"}
    assert (reloaded.restart, reloaded.needed, reloaded.problems) == ((), (), ())

    bot, studio = house.bot, house.studio
    assert bot.settings.admin_roles == (7,)
    assert bot.settings.personal_training
    assert (bot.settings.unsafe_pictures, bot.settings.unsafe_may_be_shown) == ("withhold", True)
    limits = bot.services[Limits]
    assert limits.default_per_hour == 5
    assert limits.role_per_hour(7) == 6
    assert limits.settings.waiting_jobs == 2
    assert [model.name for model in studio.models] == ["sketch", "bird", "dog"]
    assert studio.models["dog"].source == "owner/wolf"
    assert studio.models.default is studio.models.draft is studio.models["bird"]
    assert [adapter.name for adapter in studio.adapters] == ["oil"]
    networks: NetworkCatalogue = studio.processes.networks
    assert networks.upscaler("sharp").source == "owner/sharp"
    assert (networks.background.source, networks.background.labels) == (
        "owner/background",
        ("air",),
    )
    assert studio.safety.enabled
    assert studio.upload_limits.max_bytes == 10**9
    dispatcher: Any = studio._dispatcher
    assert (dispatcher._assignment.patience, dispatcher._settings.grace) == (7, 8)
    assert logging.getLogger().level == logging.WARNING
    assert await house.reload() == Reloaded(), "it has been taken"


async def test_what_takes_a_restart_is_named_until_there_was_one(
    house: House, config: Write
) -> None:
    changed = '[discord]\nconversation = false\n[maps]\ndepth_model = "owner/depth"\n'
    more = changed + '[controls.canny]\nsource = "owner/canny"\ntypes = ["edges"]\nfamily = "sd"\n'
    config(BEFORE.replace("[engine]", "[engine]\nbatch_size = 2") + more)
    for _ in range(2):
        reloaded = await house.reload()
        assert reloaded.live == ()
        assert set(reloaded.restart) == {
            *("discord.conversation", "engine.batch_size", "maps.depth_model", "controls.canny"),
        }
    assert house.bot.settings.conversation


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[limits]\nqueue_size = 0", "config.toml, line 2: "),
        ("[limits]\nqueue_size = ", "config.toml, line 2: invalid TOML."),
        ('[engine]\ndefault_model = "gone"', "config.toml, line 2: engine.default_model: There's"),
    ],
)
async def test_a_wrong_line_is_told_and_nothing_changes(
    house: House, config: Write, text: str, problem: str
) -> None:
    config(text)
    reloaded = await house.reload()
    [said] = reloaded.problems
    assert said.startswith(problem)
    assert reloaded == Reloaded(problems=(said,))
    assert house.studio.models.default.name == "cat"
    config(BEFORE)
    assert await house.reload() == Reloaded()


async def test_a_file_that_is_gone_leaves_everything_as_it_was(house: House, config: Write) -> None:
    """It may be between two steps of an editor; the defaults would have no models."""
    config(BEFORE).unlink()
    [problem] = (await house.reload()).problems
    assert problem == "config.toml can't be read: No such file or directory."
    assert house.studio.models.default.name == "cat"


async def test_what_jobs_need_stays_until_they_are_done(house: House, config: Write) -> None:
    jobs: Any = house.studio._store.jobs
    job = await jobs.add(Requester(owner="ada"), recipe(model="dog", adapters=(("ink", 1.0),)))
    config(AFTER)
    reloaded = await house.reload()
    assert set(reloaded.needed) == {"models.dog", "adapters.ink"}
    assert "models.cat" in reloaded.live
    assert house.studio.models["dog"].source == "owner/dog"
    assert "ink" in house.studio.adapters
    await jobs.delete(job.id)
    assert set((await house.reload()).live) == {"models.dog", "adapters.ink"}
    assert house.studio.models["dog"].source == "owner/wolf"
    with pytest.raises(InvalidRequest):
        house.studio.adapters["ink"]
