"""Bringing a job's pictures to the bot: in parts, until the bot says that it has them."""

import asyncio
from collections.abc import Callable, Sequence

from engine.cluster.protocol.messages import MOST_ROUNDS, Painted, PicturePart, Taken
from engine.cluster.protocol.pictures import file_of, packed, parts
from engine.cluster.worker.bot_link import BotLink
from engine.devices.messages import Pixels


async def deliver(
    link: BotLink, lease: int, pictures: Sequence[Pixels], still: Callable[[], bool]
) -> None:
    """Send the pictures of a job, as long as `still` says that they are wanted."""
    packs = [await asyncio.to_thread(packed, picture) for picture in pictures]
    announced = Painted(lease=lease, pictures=[file_of(data) for data in packs])
    for _ in range(MOST_ROUNDS):
        for number, data in enumerate(packs):
            for offset, part in parts(data):
                message = PicturePart(lease=lease, number=number, offset=offset, data=part)
                if await link.insist(message, still) is None:
                    return
        answer = await link.insist(announced, still)
        if not (isinstance(answer, Taken) and answer.again):
            return
