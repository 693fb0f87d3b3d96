"""LoRAs of one's own: Alice's training, from its first picture to its removal."""

from __future__ import annotations

from engine import TrainingState
from tests.cogs.app import PATIENCE
from tests.cogs.train.scripted import ScriptedTrainings
from tests.cogs.train.steps import picture, with_lora
from tests.discord_server import Use

from .guide import OWN, Tour
from .props import forged, made_up
from .reading import of_look, says
from .stops import Drive, For, Role, Stop

NAME = "塔"

COLLECTING, RUNNING, PAUSED, FINISHED = (
    TrainingState.COLLECTING,
    TrainingState.RUNNING,
    TrainingState.PAUSED,
    TrainingState.FINISHED,
)


def service(tour: Tour) -> ScriptedTrainings:
    """What the tour moves."""
    trainings = tour.bot.studio.trainings
    assert isinstance(trainings, ScriptedTrainings)
    return trainings


async def begin(tour: Tour) -> Use:
    """One of their own."""
    name = NAME if tour.role is Role.MEMBER else f"{NAME}2"
    options = {"name": name, "trigger": NAME, "kind": "subject"}
    use = await tour.slash("train new", **options)
    if tour.role is Role.MEMBER:
        await known(tour)
    return use


async def known(tour: Tour) -> int:
    """The number of Alice's, with pictures, but it has to be put into its state."""
    owner = str(tour.alice.user.id)
    found = await service(tour).of_owner(owner)
    if not found:
        options = {"name": NAME, "trigger": NAME, "kind": "subject"}
        await tour.settled(await tour.alice.slash(tour.app.art, "train new", **options))
        found = await service(tour).of_owner(owner)
    training = found[0]
    for number in range(6 - len(training.pictures)):
        upload = picture(100 * len(training.pictures) + number, side=128)
        await service(tour).add_picture(training.id, upload.data)
    return training.id


async def put(tour: Tour, state: TrainingState, *, private: bool = False) -> int:
    """The number of Alice's, in that state."""
    number = await known(tour)
    training = await service(tour).get(number)
    home = training.message_ref | {"agreed": True}
    await service(tour).set_message(number, home)
    if training.request is None and state is not COLLECTING:
        await service(tour).start(number)
    await service(tour).put(number, state, private=private)
    tour.mark()
    return number


def on(verb: str, state: TrainingState, shown: str = "", *, private: bool = False) -> Drive:
    """A button about it in that state; its owner waits until the message says so."""

    async def drive(tour: Tour) -> Use:
        number = await put(tour, state, private=private)
        message = forged(tour, f"atelier-train:{verb}:{number}")
        use = await tour.click(message, f"atelier-train:{verb}:")
        if shown and tour.role is Role.MEMBER:
            await tour.app.discord.until(
                lambda: says(of_look(message.looks[-1]), shown, tour.language), PATIENCE
            )
        return use

    return drive


def page(verb: str) -> Drive:
    """A button of the page of its captions."""

    async def drive(tour: Tour) -> Use:
        number = await put(tour, COLLECTING)
        pictures = (await service(tour).get(number)).pictures
        place = pictures[-1].number if verb == "drop" else 0
        message = forged(tour, f"atelier-train-page:{verb}:{number}:{place}")
        return await tour.click(message, f"atelier-train-page:{verb}:")

    return drive


def sent(kind: str, drive: Drive, **values: object) -> Drive:
    """Sending the modal that it opens; who doesn't see it sends it all the same."""

    async def send(tour: Tour) -> Use:
        use = await drive(tour)
        tour.mark()
        if use.interaction.modal is not None:
            return await tour.send(use, **values)
        number = await known(tour)
        return await made_up(tour, f"atelier-training:{kind}:{number}:0", {"prompt": OWN})

    return send


def command(name: str, state: TrainingState, *, private: bool = False) -> Drive:
    """A command about it in that state."""

    async def drive(tour: Tour) -> Use:
        number = await put(tour, state, private=private)
        return await tour.slash(f"train {name}", training=number)

    return drive


async def finished(tour: Tour) -> int:
    """The number of one of theirs that has made a LoRA; for who can't publish it, of Alice's."""
    if tour.role is not Role.OWNER:
        return await put(tour, FINISHED)
    [training] = [
        each
        for each in await service(tour).of_owner(str(tour.who.user.id))
        if each.name == f"{NAME}2"
    ]
    if training.state is not FINISHED:
        for number in range(6 - len(training.pictures)):
            upload = picture(200 + number, side=128)
            await service(tour).add_picture(training.id, upload.data)
        await service(tour).start(training.id)
        await service(tour).finish(training.id)
        await with_lora(tour.bot, training.id)
    tour.mark()
    return training.id


async def proposed(tour: Tour) -> Use:
    """What would be published."""
    return await tour.slash("train publish", training=await finished(tour))


def published(verb: str, shown: str) -> Drive:
    """A button below that."""

    async def drive(tour: Tour) -> Use:
        number = await finished(tour)
        message = forged(tour, f"atelier-train-publish:{verb}:{number}:{'0' * 12}")
        if tour.role is Role.OWNER:
            message = await (await tour.slash("train publish", training=number)).message()
            tour.mark()
        use = await tour.click(message, f"atelier-train-publish:{verb}:")
        if tour.role is Role.OWNER:
            await tour.app.discord.until(
                lambda: says(of_look(message.looks[-1]), shown, tour.language), PATIENCE
            )
        return use

    return drive


async def listed(tour: Tour) -> Use:
    """What there is of theirs, and for moderators of the server's."""
    await put(tour, RUNNING)
    return await tour.slash("train list")


THEIRS = "Only the person who asked for training {number} can do that."
UNSEEN = "Training {number} doesn't exist or isn't yours."

RULERS = (Role.MODERATOR, Role.MANAGER, Role.OWNER)
FOREIGN: dict[Role, str] = {Role.STRANGER: UNSEEN}
MODERATED = FOREIGN | {Role.NEIGHBOUR: THEIRS}
OWNED = MODERATED | dict.fromkeys(RULERS, THEIRS)
TRAINED = FOREIGN | dict.fromkeys(RULERS, THEIRS)
HIDDEN = dict.fromkeys((*RULERS, Role.STRANGER, Role.NEIGHBOUR), UNSEEN)

NOT_PUBLISHED: dict[Role, str] = {
    role: "Only the bot's owner can publish LoRAs" for role in Role if role is not Role.OWNER
}
PROPOSED = (
    "**{name}** would be published as `{repo}`: {count} files, {size}, with this model card. "
    "Nothing has left this machine yet."
)
PUBLISHED = "**{name}** is published: {address}"

THREAD = (
    "{owner}, reply to this message with pictures for **{name}**, or post them here and mention "
    "{bot}: Discord shows me no others. What you write beside them becomes their caption."
)
PICTURE, STEP = "Picture {number}", "step {step} of {steps}"

TRAININGS = [
    Stop("/train new", begin, "Add at least {number} more picture", For.TRAINERS, public=True),
    Stop(
        "atelier-train:add",
        on("add", COLLECTING),
        "Your favourites and your newest pictures",
        For.TRAINERS,
        told=TRAINED,
    ),
    Stop(
        "atelier-train:thread",
        on("thread", COLLECTING),
        THREAD,
        For.TRAINERS,
        told=TRAINED,
        public=True,
    ),
    Stop(
        "atelier-training:add",
        sent("add", on("add", COLLECTING), files=[picture(7, side=128)]),
        "{least} to {most} are needed",
        For.TRAINERS,
        told=TRAINED,
    ),
    Stop(
        "atelier-train:propose",
        on("propose", COLLECTING),
        "Captions were proposed.",
        told=OWNED,
    ),
    Stop("atelier-train:view", on("view", COLLECTING), PICTURE, told=OWNED),
    Stop("atelier-train-page:turn", page("turn"), PICTURE, told=OWNED),
    Stop("atelier-train-page:edit", page("edit"), "Captions", told=OWNED),
    Stop("atelier-training:captions", sent("captions", page("edit")), PICTURE, told=OWNED),
    Stop("atelier-train-page:drop", page("drop"), PICTURE, told=OWNED),
    *(
        Stop(
            f"atelier-train:{verb}",
            on(verb, COLLECTING),
            "The person agreed, or it's no person",
            told=OWNED,
        )
        for verb in ("agreed", "agree")
    ),
    Stop(
        "atelier-train:start",
        on("start", COLLECTING, "waiting for its turn"),
        "waiting for its turn",
        For.TRAINERS,
        told=TRAINED,
    ),
    Stop("/train list", listed, "training {number}", told={Role.NEIGHBOUR: "You haven't trained"}),
    Stop("/train show", command("show", RUNNING), STEP, told=OWNED, public=True),
    Stop("atelier-train:keep", on("keep", RUNNING), "The LoRA as it is now can be", told=OWNED),
    Stop("atelier-train:here", on("here", RUNNING, STEP), STEP, told=OWNED),
    Stop("atelier-train:pause", on("pause", RUNNING, "paused"), "", told=MODERATED),
    Stop("atelier-train:resume", on("resume", PAUSED, STEP), "", told=MODERATED),
    Stop("atelier-train:finish", on("finish", RUNNING, "Paint with"), "", told=MODERATED),
    Stop("atelier-train:cancel", on("cancel", RUNNING), "Give up **{name}**?", told=MODERATED),
    Stop("/train cancel", command("cancel", RUNNING), "Give up **{name}**?", told=MODERATED),
    Stop("atelier-train:leave", on("leave", RUNNING), "It stays as it is."),
    Stop("atelier-train:paint", on("paint", FINISHED), "Prompt", told=OWNED),
    Stop(
        "atelier-training:paint",
        sent("paint", on("paint", FINISHED), prompt=OWN),
        "There's no LoRA “{name}”.",
        told=OWNED,
    ),
    Stop(
        "atelier-train:share",
        on("share", FINISHED, private=True),
        "Everyone in the server can use **{name}** now.",
        told=HIDDEN,
    ),
    Stop(
        "/train share",
        command("share", FINISHED, private=True),
        "Everyone in the server can use **{name}** now.",
        told=HIDDEN,
    ),
    Stop("/train publish", proposed, PROPOSED, For.THE_OWNER, told=NOT_PUBLISHED),
    *(
        Stop(
            f"atelier-train-publish:{verb}",
            published(verb, shown),
            shown,
            For.THE_OWNER,
            told=NOT_PUBLISHED,
        )
        for verb, shown in (
            ("drop", "Nothing was published."),
            ("private", PUBLISHED),
            ("public", PUBLISHED),
        )
    ),
    Stop("atelier-train:remove", on("remove", FINISHED), "Remove **{name}**?", told=MODERATED),
    Stop("/train remove", command("remove", FINISHED), "Remove **{name}**?", told=MODERATED),
    Stop(
        "atelier-train:cancelnow",
        on("cancelnow", RUNNING),
        "**{name}** was given up.",
        told=MODERATED,
    ),
    Stop(
        "atelier-train:removenow",
        on("removenow", FINISHED),
        "**{name}** was removed.",
        told=MODERATED,
    ),
]
"""In the order of the way."""
