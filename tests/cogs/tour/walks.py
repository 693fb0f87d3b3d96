"""Whole tours, to be taken in one language or the other."""

from __future__ import annotations

from unittest.mock import patch

from tests.cogs.app import App
from tests.cogs.train.scripted import scripted_trainings
from tests.hub_server import HubAccount, HubServer, Repository

from .guide import Tour
from .stops import Role
from .table import STOPS
from .typed import TYPED


async def through_everything(
    app: App, hub: HubServer, fox: Repository, role: Role, language: str
) -> None:
    """Use everything that matters to `role`; it is answered as it is to be, in `language`."""
    tour = Tour(app, fox, role, language)
    with scripted_trainings(), patch("huggingface_hub.constants.HF_HUB_DISABLE_XET", True):
        account = hub.welcome(HubAccount("vixen", "hf_abcdefghijklmnopqrstuvwxyz"))
        engine = {"hub_url": hub.endpoint, "hub_token": account.token}
        async with app.open(engine=engine) as bot:
            await tour.begin(bot)
            stops = [stop for stop in STOPS if stop.matters(role)]
            wrong = [each for stop in stops for each in await tour.visit(stop)]
            wrong += [*await tour.offers(), *await tour.losses()]
    assert not wrong, "\n".join(wrong)


async def through_direct_messages(app: App, fox: Repository, language: str) -> None:
    """Use every command that there is in direct messages; each is answered in `language`."""
    tour = Tour(app, fox, Role.MEMBER, language)
    tour.here = tour.who.dm
    async with app.open() as bot:
        await tour.begin(bot)
        there = {each["name"] for each in tour.who.commands(tour.here)}
        stops = [stop for stop in TYPED if stop.key.removeprefix("/").split()[0] in there]
        wrong = [each for stop in stops for each in await tour.visit(stop)]
    assert len(stops) >= 7
    assert not wrong, "\n".join(wrong)
