"""The tour, of people whose Discord is English."""

from __future__ import annotations

import pytest

from tests.hub_server import HubServer, Repository

from .house import House
from .tour.guide import Tour
from .tour.stops import Role
from .tour.table import STOPS
from .tour.typed import TYPED


@pytest.mark.slow
@pytest.mark.parametrize("role", Role, ids=lambda role: role.name.lower())
async def test_everything_answers_in_english(
    house: House, hub: HubServer, fox: Repository, role: Role
) -> None:
    tour = Tour(house, fox, role, "en")
    async with house.open(engine={"hub_url": hub.endpoint}) as bot:
        await tour.begin(bot)
        stops = [stop for stop in STOPS if stop.matters(role)]
        wrong = [each for stop in stops for each in await tour.visit(stop)]
        wrong += [*await tour.offers(), *await tour.losses()]
    assert not wrong, "\n".join(wrong)


async def test_direct_messages_are_answered_in_english(house: House, fox: Repository) -> None:
    tour = Tour(house, fox, Role.MEMBER, "en")
    tour.here = tour.who.dm
    async with house.open() as bot:
        await tour.begin(bot)
        there = {each["name"] for each in tour.who.commands(tour.here)}
        stops = [stop for stop in TYPED if stop.key.removeprefix("/").split()[0] in there]
        wrong = [each for stop in stops for each in await tour.visit(stop)]
    assert len(stops) >= 7
    assert not wrong, "\n".join(wrong)
