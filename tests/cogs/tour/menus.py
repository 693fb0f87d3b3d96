"""The menus of a message with pictures, and what they lead to."""

from __future__ import annotations

from tests.discord_server import Message, Upload, Use

from .guide import OWN, Tour
from .pictures import DESCRIBES, PAINTED, listing
from .props import forged
from .stops import Drive, Role, Stop

SETTINGS, START, DETAILS = "Use these settings", "Use as start image", "Picture details"
EDIT, DESCRIBE = "Edit this picture", "Describe this picture"

UNREADABLE = "I can't read the prompt in this message."


async def theirs(tour: Tour) -> Message:
    """A picture with settings inside that somebody posts where they are."""
    data = tour.one.attachments[0].read()
    if tour.role is Role.STRANGER:  # what they have themselves
        use = await tour.slash("imagine", prompt=OWN)
        data = (await use.message()).attachments[0].read()
    poster = tour.message_ref.add_member("dave")
    return await poster.say(tour.here, files=[Upload("fox.png", data)])


def menu(name: str) -> Drive:
    """The menu of that message."""

    async def drive(tour: Tour) -> Use:
        return await tour.settled(await tour.who.use_on_message(await theirs(tour), name))

    return drive


def after(name: str, custom_id: str) -> Drive:
    """The button below what the menu answers."""

    async def drive(tour: Tour) -> Use:
        return await tour.click(await (await menu(name)(tour)).message(), custom_id)

    return drive


def made_up(custom_id: str) -> Drive:
    """A button that is there only with a model that writes."""

    async def drive(tour: Tour) -> Use:
        return await tour.click(forged(tour, custom_id), custom_id)

    return drive


def sent(drive: Drive) -> Drive:
    """Sending the modal that it opens."""

    async def send(tour: Tour) -> Use:
        return await tour.send(await drive(tour), prompt=OWN)

    return send


MENUS = [
    Stop(SETTINGS, menu(SETTINGS), "Paint with these settings"),
    Stop(
        "atelier-settings:change",
        after(SETTINGS, "atelier-settings:change"),
        "Paint with these settings",
    ),
    Stop(
        "atelier-form:settings",
        sent(after(SETTINGS, "atelier-settings:change")),
        PAINTED,
        public=True,
    ),
    Stop(START, menu(START), "Pick a start image, then describe the result:"),
    Stop("atelier-upload", after(START, "atelier-upload:"), "Start from this picture"),
    Stop(
        "atelier-form:upload",
        sent(after(START, "atelier-upload:")),
        "start image, strength {strength:g}",
        public=True,
    ),
    Stop(EDIT, menu(EDIT), "Pick a picture, then say what to change:"),
    Stop("atelier-edit", after(EDIT, "atelier-edit:"), "What to change"),
    Stop(DESCRIBE, menu(DESCRIBE), DESCRIBES),
    Stop("atelier-describe", made_up(f"atelier-describe:{'1' * 32}.png"), DESCRIBES),
    *(
        Stop(custom_id, made_up(made), UNREADABLE)
        for custom_id, made in (
            ("atelier-written:paint", "atelier-written:paint:1"),
            ("atelier-written:private", "atelier-written:private:1"),
            ("atelier-prompt:improve", "atelier-prompt:improve"),
            ("atelier-prompt:shorten", "atelier-prompt:shorten"),
        )
    ),
    Stop(DETAILS, listing(menu(DETAILS)), ""),
]
"""In the order in which they are used."""
