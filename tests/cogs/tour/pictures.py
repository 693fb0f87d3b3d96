"""What is done with pictures: the buttons and menus of a result, modals, menus of messages."""

from __future__ import annotations

from collections.abc import Mapping

from tests.cogs.app import PATIENCE
from tests.discord_server import Message, Use

from .guide import OWN, PROMPT, Tour
from .props import UNSEEN, forged, made_up, two, waiting
from .stops import Drive, For, Role, Stop

STRANGER: Mapping[Role, str] = {Role.STRANGER: UNSEEN}

DESCRIBES = "Describing pictures isn't set up here."
"""What is said without a captioning model."""

POWERLESS = "Only the person who requested job {number} can"

PAINTED = "seed {seed}"
"""What stands below every picture."""

FROM = "from picture {picture} of job {job}"

WORDS = {"prompt": OWN, "negative_prompt": ""}


def on_job(verb: str) -> Drive:
    """A button of Alice's result."""

    async def drive(tour: Tour) -> Use:
        return await tour.click(of_job(tour, tour.one, verb), f"atelier:{verb}:")

    return drive


def of_job(tour: Tour, message: Message, verb: str) -> Message:
    """Her message; for the stranger one with a button that is about her private job."""
    if tour.role is Role.STRANGER:
        return forged(tour, f"atelier:{verb}:{tour.secret}")
    return message


def on_picture(verb: str, of: str = "") -> Drive:
    """A button of her picture; `of` are those that open it."""

    async def drive(tour: Tour) -> Use:
        if tour.role is Role.STRANGER:
            return await tour.click(forged(tour, made(tour, verb)), f"atelier-picture:{verb}:")
        shown = tour.one
        for opener in of.split():
            shown = await (await tour.click(shown, f"atelier-picture:{opener}:")).message()
        return await tour.click(shown, f"atelier-picture:{verb}:")

    return drive


def made(tour: Tour, verb: str) -> str:
    """The id of a button about her private picture."""
    return f"atelier-picture:{verb}:{tour.secret}:0"


async def choose(tour: Tour) -> Use:
    """One of two pictures."""
    if tour.role is Role.STRANGER:
        return await tour.click(forged(tour, made(tour, "choose")), "atelier-picture:choose:")
    message = await two(tour)
    return await tour.settled(
        await tour.who.click(message, custom_id=message.buttons[1]["custom_id"])
    )


async def begin(tour: Tour) -> Use:
    """To start from one of two pictures."""
    if tour.role is Role.STRANGER:
        return await tour.click(forged(tour, made(tour, "begin")), "atelier-picture:begin:")
    asked = await tour.settled(await tour.who.use_on_message(await two(tour), "Use as start image"))
    message = await asked.message()
    return await tour.settled(
        await tour.who.click(message, custom_id=message.buttons[1]["custom_id"])
    )


async def change(tour: Tour) -> Use:
    """To edit one of two pictures."""
    if tour.role is Role.STRANGER:
        return await tour.click(forged(tour, made(tour, "change")), "atelier-picture:change:")
    asked = await tour.settled(await tour.who.use_on_message(await two(tour), "Edit this picture"))
    message = await asked.message()
    return await tour.settled(
        await tour.who.click(message, custom_id=message.buttons[1]["custom_id"])
    )


async def edited(tour: Tour) -> Use:
    """Saying what to change."""
    if tour.role is Role.STRANGER:
        return await made_up(tour, f"atelier-form:edit:{tour.secret}:0", {"prompt": OWN})
    return await tour.send(await on_picture("edit")(tour), prompt=OWN)


async def cancel(tour: Tour) -> Use:
    """The button of a job that waits."""
    async with waiting(tour) as message:
        return await tour.click(of_job(tour, message, "cancel"), "atelier:cancel:")


async def here(tour: Tour) -> Use:
    """The button of what takes long and only Alice sees; here nothing does, and it is made up."""
    if tour.role is not Role.MEMBER:
        return await tour.click(forged(tour, f"atelier:here:{tour.secret}"), "atelier:here:")
    message: Message = tour.props["secret"]
    before = len(message.looks)
    message.buttons[0]["custom_id"] = f"atelier:here:{tour.secret}"
    use = await tour.click(message, "atelier:here:")
    await tour.app.discord.until(lambda: len(message.looks) > before, PATIENCE)
    return use


async def release(tour: Tour) -> Use:
    """The button of what is withheld; here nothing is, and the button is made up."""
    number = tour.secret if tour.role is Role.STRANGER else tour.number
    return await tour.click(forged(tour, f"atelier:release:{number}"), "atelier:release:")


async def delete(tour: Tour) -> Use:
    """The button of a job of hers that nobody needs afterwards."""
    message = tour.one
    if tour.role is not Role.STRANGER:
        message = await tour.painted(PROMPT)
        tour.mark()
    use = await tour.click(of_job(tour, message, "delete"), "atelier:delete:")
    assert message.deleted == (tour.role in (Role.MEMBER, Role.MODERATOR, Role.MANAGER, Role.OWNER))
    return use


async def parts(tour: Tour) -> Use:
    """Picking parts of a picture."""
    if tour.role is Role.STRANGER:
        made_for = forged(tour, f"atelier-parts:{tour.secret}:0", "1")
        return await tour.pick(made_for, "atelier-parts:", "1")
    shown = await (await on_picture("fill", "more")(tour)).message()
    return await tour.pick(shown, "atelier-parts:", "1", "2")


def fill(what: str) -> Drive:
    """Saying what comes into the parts, or where a mask is white."""

    async def drive(tour: Tour) -> Use:
        if tour.role is Role.STRANGER:
            button = forged(tour, f"atelier-fill:{tour.secret}:0:{what}")
            return await tour.click(button, "atelier-fill:")
        shown = await (await parts(tour)).message()
        ends = f"atelier-fill:{tour.number}:0:{what}"
        return await tour.click(shown, ends)

    return drive


async def refine(tour: Tour) -> Use:
    """Having the details of parts fixed."""
    if tour.role is Role.STRANGER:
        button = forged(tour, f"atelier-refine:{tour.secret}:0:12")
        return await tour.click(button, "atelier-refine:")
    shown = await (await parts(tour)).message()
    return await tour.click(shown, f"atelier-refine:{tour.number}:0:12")


async def properly(tour: Tour) -> Use:
    """The button of a draft; here nothing paints any, and the button is made up."""
    number = tour.secret if tour.role is Role.STRANGER else tour.number
    return await tour.click(forged(tour, f"atelier:properly:{number}"), "atelier:properly:")


async def show_map(tour: Tour) -> Use:
    """The button of older messages that shows a map; here there is none, and it is made up."""
    number = tour.secret if tour.role is Role.STRANGER else tour.number
    return await tour.click(forged(tour, f"atelier:map:{number}"), "atelier:map:")


async def chosen_upscaler(tour: Tour) -> Use:
    """The button of an upscaler that has been removed since."""
    number = tour.secret if tour.role is Role.STRANGER else tour.number
    button = forged(tour, f"atelier-upscaler:2:{number}:0:4x")
    return await tour.click(button, "atelier-upscaler:")


async def cut_out(tour: Tour) -> Use:
    """A button that isn't there without a segmentation model, and is made up."""
    number = tour.secret if tour.role is Role.STRANGER else tour.number
    button = forged(tour, f"atelier-picture:cutout:{number}:0")
    return await tour.click(button, "atelier-picture:cutout:")


def described(verb: str) -> Drive:
    """A button that isn't there without a captioning model, and is made up."""

    async def drive(tour: Tour) -> Use:
        number = tour.secret if tour.role is Role.STRANGER else tour.number
        button = forged(tour, f"atelier-picture:{verb}:{number}:0")
        return await tour.click(button, f"atelier-picture:{verb}:")

    return drive


def form(kind: str, verb: str) -> Drive:
    """Sending the modal that the button opens; of the stranger, one about her private picture."""

    async def drive(tour: Tour) -> Use:
        if tour.role is Role.STRANGER:
            more = {"remix": {"steps": "1", "guidance": "", "seed": ""}}.get(
                kind, {"strength": ".5"}
            )
            tail = ":12" if kind == "fill" else ""
            return await made_up(tour, f"atelier-form:{kind}:{tour.secret}:0{tail}", WORDS | more)
        opener = "more" if kind == "start" else ""
        opened = await (fill("12") if kind == "fill" else on_picture(verb, opener))(tour)
        return await tour.send(opened, prompt=OWN)

    return drive


def listing(drive: Drive) -> Drive:
    """Being told the settings that are in the file, as they stand there in every language."""

    async def listed(tour: Tour) -> Use:
        use = await drive(tour)
        if use.interaction.original and not use.followups:
            refused = tour.role is Role.STRANGER and use.interaction.message is not None
            assert refused or "Steps: 2, Sampler: DDIM" in use.interaction.original.text()
        return use

    return listed


def opened_by(menu: str, *verbs: str) -> list[Stop]:
    """The buttons that a menu behind “More…” opens."""
    return [
        Stop(
            f"atelier-picture:{verb}",
            on_picture(verb, f"more {menu}"),
            FROM,
            told=STRANGER,
            public=True,
        )
        for verb in verbs
    ]


PICTURES = [
    Stop("atelier:again", on_job("again"), PAINTED, told=STRANGER, public=True),
    Stop("atelier:properly", properly, "This picture isn't a draft.", told=STRANGER),
    Stop(
        "atelier:map",
        show_map,
        "This picture was painted without a control picture.",
        told=dict.fromkeys([role for role in Role if role is not Role.MEMBER], POWERLESS)
        | dict(STRANGER),
    ),
    Stop(
        "atelier:cancel",
        cancel,
        "Cancelled.",
        told={Role.NEIGHBOUR: POWERLESS, **STRANGER},
    ),
    Stop(
        "atelier:here",
        here,
        PAINTED,
        told=dict.fromkeys([role for role in Role if role is not Role.MEMBER], UNSEEN),
    ),
    Stop("atelier:star", on_job("star"), PAINTED, told=STRANGER),
    Stop(
        "atelier:release",
        release,
        "Job {number} has no hidden pictures.",
        For.MODERATORS,
        told=STRANGER,
    ),
    Stop("atelier-picture:subtle", on_picture("subtle"), FROM, told=STRANGER, public=True),
    Stop("atelier-picture:strong", on_picture("strong", "more"), FROM, told=STRANGER, public=True),
    Stop("atelier-picture:upscale", on_picture("upscale"), FROM, told=STRANGER, public=True),
    Stop(
        "atelier-picture:double",
        on_picture("double", "more"),
        "upscaled {times}×",
        told=STRANGER,
        public=True,
    ),
    Stop(
        "atelier-picture:quadruple",
        on_picture("quadruple", "more"),
        "upscaled {times}×",
        told=STRANGER,
        public=True,
    ),
    Stop(
        "atelier-picture:start",
        on_picture("start", "more"),
        "Start from this picture",
        told=STRANGER,
    ),
    Stop("atelier-form:start", form("start", "start"), FROM, told=STRANGER, public=True),
    Stop("atelier-picture:remix", on_picture("remix"), "Remix", told=STRANGER),
    Stop("atelier-form:remix", form("remix", "remix"), PAINTED, told=STRANGER, public=True),
    Stop("atelier-picture:edit", on_picture("edit"), "What to change", told=STRANGER),
    Stop("atelier-picture:change", change, "What to change", told=STRANGER),
    Stop("atelier-form:edit", edited, FROM, told=STRANGER, public=True),
    Stop("atelier-picture:fill", on_picture("fill", "more"), "Choose the parts", told=STRANGER),
    Stop("atelier-parts", parts, "Repaint these parts", told=STRANGER),
    Stop("atelier-fill", fill("12"), "Prompt (what to paint there)", told=STRANGER),
    Stop("atelier-fill:mask", fill("mask"), "A picture of the same shape", told=STRANGER),
    Stop("atelier-picture:refine", on_picture("refine", "more"), "Choose the", told=STRANGER),
    Stop("atelier-refine", refine, FROM, told=STRANGER, public=True),
    Stop("atelier-picture:cutout", cut_out, "Removing backgrounds isn't set up", told=STRANGER),
    *(
        Stop(f"atelier-picture:{verb}", described(verb), DESCRIBES, told=STRANGER)
        for verb in ("describe", "caption")
    ),
    Stop("atelier-upscaler", chosen_upscaler, "The upscaler “{name}” is no", told=STRANGER),
    Stop("atelier-form:fill", form("fill", ""), FROM, told=STRANGER, public=True),
    Stop(
        "atelier-picture:more", on_picture("more"), "Picture {number} of job {job}", told=STRANGER
    ),
    Stop("atelier-picture:zoom", on_picture("zoom", "more"), "How far? The picture", told=STRANGER),
    *opened_by("zoom", "zoomsome", "zoomtwo"),
    Stop("atelier-picture:pan", on_picture("pan", "more"), "Which way? The picture", told=STRANGER),
    *opened_by("pan", "left", "right", "up", "down"),
    Stop("atelier-picture:details", listing(on_picture("details", "more")), "", told=STRANGER),
    Stop("atelier-picture:dm", on_picture("dm", "more"), "Sent to your DMs.", told=STRANGER),
    Stop("atelier-picture:choose", choose, "Picture {number} of job {job}", told=STRANGER),
    Stop("atelier-picture:begin", begin, "Start from this picture", told=STRANGER),
    Stop("atelier:delete", delete, "", told={Role.NEIGHBOUR: POWERLESS, **STRANGER}),
]
"""In the order in which they are used."""
