"""What is decided for a server, and what the owner of the bot decides: the panel, requests at which
moderators look first, models that come and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cogs.settings.panel import MODERATION_PAGE, PAGE_OF, PAINTING_PAGE, ROLES_PAGE
from tests.cogs.app import PATIENCE
from tests.discord_server import Message, Use
from tests.engine.hub.weights import save
from tests.hub_server import Fault

from .guide import Tour
from .props import forged
from .reading import of_look, says
from .stops import Drive, For, Role, Stop
from .typed import slash

UNET = "unet/diffusion_pytorch_model.safetensors"

Value = Callable[[Tour], Any]


async def panel(tour: Tour, page: str = PAINTING_PAGE) -> Message:
    """The panel of their server, at that page."""
    settings_panel = await (await tour.slash("settings")).message()
    if page != PAINTING_PAGE:
        await tour.click(settings_panel, f"atelier-settings-page:{page}")
    return settings_panel


def turned(page: str) -> Drive:
    """To a page, from another one."""

    async def drive(tour: Tour) -> Use:
        shown = forged(tour, f"atelier-settings-page:{page}")
        if For.MANAGERS in tour.able:
            shown = await panel(tour, MODERATION_PAGE if page == PAINTING_PAGE else PAINTING_PAGE)
        return await tour.click(shown, f"atelier-settings-page:{page}")

    return drive


def setting(what: str, *values: Any) -> Drive:
    """Picking that in the panel."""

    async def drive(tour: Tour) -> Use:
        picked = [each(tour) if callable(each) else each for each in values]
        if For.MANAGERS not in tour.able:
            return await tour.pick(
                forged(tour, f"atelier-setting:{what}", "1"), f"atelier-setting:{what}", "1"
            )
        if what == "nsfw":  # it is shown where a classifier tells
            return await tour.pick(
                forged(tour, f"atelier-setting:{what}", *picked), f"atelier-setting:{what}", *picked
            )
        shown = await panel(tour, PAGE_OF.get(what, PAINTING_PAGE))
        if what == "rolepace":
            await tour.pick(shown, "atelier-setting:role", role(tour))
        return await tour.pick(shown, f"atelier-setting:{what}", *picked)

    return drive


def role(tour: Tour) -> Any:
    """One of their server's."""
    if "role" not in tour.props:
        tour.props["role"] = tour.message_ref.add_role("someone")
    return tour.props["role"]


def trainers(tour: Tour) -> Any:
    """The role with which Alice trains, or another in another server."""
    return role(tour) if tour.role is Role.STRANGER else tour.props["trainers"]


def decided(verb: str) -> Drive:
    """A request of Alice's at which a moderator looks first is decided."""

    async def drive(tour: Tour) -> Use:
        await tour.bot.studio.moderation.review_word(f"guild:{tour.app.guild.id}", "疑")
        before = len(tour.app.art.messages)
        asked = await tour.alice.slash(tour.app.art, "imagine", prompt="疑 velvetine")
        await tour.settled(asked)
        [card] = [
            each
            for each in tour.app.art.messages[before:]
            if any("atelier-review" in button["custom_id"] for button in each.buttons)
        ]
        tour.mark()
        number = card.buttons[0]["custom_id"].split(":")[2]
        if tour.role is Role.STRANGER:
            card = forged(tour, f"atelier-review:{verb}:{number}")
        return await tour.click(card, f"atelier-review:{verb}:")

    return drive


async def withdrawn(tour: Tour) -> Use:
    """A request of theirs at which a moderator would look first is withdrawn."""
    await tour.bot.studio.moderation.review_word(f"guild:{tour.app.guild.id}", "疑")
    asked = await tour.alice.slash(tour.app.art, "imagine", prompt="疑 velvetine")
    waits = await asked.message()
    await tour.settled(asked)
    tour.mark()
    [button] = waits.buttons
    if tour.role is not Role.MEMBER:
        waits = forged(tour, button["custom_id"])
    return await tour.click(waits, button["custom_id"])


async def offered(tour: Tour, source: str, **more: Any) -> Message:
    """The card of a model that may be added."""
    return await (await tour.slash("model add", source=source, **more)).message()


def model(verb: str, of: Callable[[Tour], Any], says: str = "") -> Drive:
    """A button about models; for those who see none, one that is made up."""

    async def drive(tour: Tour) -> Use:
        if tour.role is not Role.OWNER:
            made = forged(tour, f"atelier-model:{verb}:1")
            return await tour.click(made, f"atelier-model:{verb}:")
        message = await of(tour)
        use = await tour.click(message, f"atelier-model:{verb}:")
        if says:
            await shows(tour, message, says)
        return use

    return drive


async def shows(tour: Tour, message: Message, template: str) -> None:
    """Wait until the message says so."""
    await tour.app.discord.until(
        lambda: says(of_look(message.looks[-1]), template, tour.language), PATIENCE
    )


async def stuck(tour: Tour) -> Message:
    """The card of a model whose files do not all come."""
    tour.fox.faults[UNET] = Fault(stall_after=400_000)
    tour.props["fox"] = await offered(tour, "someone/fox")
    return await known(tour)


async def known(tour: Tour) -> Message:
    """That card."""
    card: Message = tour.props["fox"]
    return card


async def let_go(tour: Tour) -> Message:
    """The same, now that they would come."""
    tour.fox.faults.clear()
    return await known(tour)


async def local(tour: Tour) -> Message:
    """The card of a model all of which is here."""
    return await offered(tour, str(tour.app.weights), name="hare")


async def unwanted(tour: Tour) -> Message:
    """The card of a model that nobody wants in the end."""
    return await offered(tour, "someone/fox")


async def removing(tour: Tour) -> Message:
    """The question whether to remove it."""
    return await (await tour.slash("model remove", name="fox")).message()


def ink(tour: Tour) -> str:
    """The file of a LoRA."""
    layer = {"lora_unet_x.lora_up.weight": (4, 4)}
    return str(save(tour.app.folder / "ink.safetensors", layer))


async def question(tour: Tour) -> Use:
    """The question whether to remove it; the owner has added it by then."""
    manager = tour.bot.studio.adapter_manager
    if tour.role is Role.OWNER and "ink" not in tour.bot.studio.adapters:
        await manager.add(await manager.candidate(ink(tour), name="ink"))
    return await tour.slash("lora remove", name="ink")


async def removing_lora(tour: Tour) -> Message:
    """That question."""
    return await (await question(tour)).message()


NOT_THEIRS = "Only the person who asked for this can withdraw it."

PANEL = "Server settings"

RULING = [
    *(
        Stop(f"atelier-settings-page:{page}", turned(page), PANEL, For.MANAGERS)
        for page in (PAINTING_PAGE, ROLES_PAGE, MODERATION_PAGE)
    ),
    *(
        Stop(f"atelier-setting:{what}", setting(what, *values), PANEL, For.MANAGERS)
        for what, values in (
            ("channels", (lambda tour: tour.here,)),
            ("model", ("tiny",)),
            ("size", ("64x64",)),
            ("pace", ("50",)),
            ("role", (role,)),
            ("rolepace", ("20",)),
            ("trainers", (trainers,)),
            ("gallery", (lambda tour: tour.here,)),
            ("reviews", (lambda tour: tour.here,)),
            ("language", (lambda tour: tour.language,)),
            ("nsfw", ("spoiler",)),
        )
    ),
    *(
        Stop(
            f"atelier-review:{verb}",
            decided(verb),
            said,
            For.MODERATORS,
            told={Role.STRANGER: "This request waited too long and has expired."},
        )
        for verb, said in (
            ("allow", "{moderator} approved {member}'s request."),
            ("refuse", "{moderator} declined {member}'s request."),
        )
    ),
    Stop(
        "atelier-review:withdraw",
        withdrawn,
        "You withdrew this request. Moderators won't review it.",
        told={
            Role.NEIGHBOUR: NOT_THEIRS,
            Role.MODERATOR: NOT_THEIRS,
            Role.STRANGER: "This request waited too long and has expired.",
        },
    ),
    Stop(
        "/model add",
        slash("model add", source="someone/fox"),
        "Licence: {name}",
        For.THE_OWNER,
        public=True,
    ),
    Stop("atelier-model:dismiss", model("dismiss", unwanted), "Cancelled.", For.THE_OWNER),
    Stop("atelier-model:add", model("add", local, "Added."), "Added.", For.THE_OWNER),
    Stop(
        "atelier-model:download",
        model("download", stuck, "Stop"),
        "Stop",
        For.THE_OWNER,
    ),
    Stop("atelier-model:stop", model("stop", known, "Stopped"), "Stopped", For.THE_OWNER),
    Stop("atelier-model:resume", model("resume", let_go, "Added."), "Added.", For.THE_OWNER),
    Stop("/model remove", slash("model remove", name="fox"), "Remove **{name}**?", For.THE_OWNER),
    Stop("atelier-model:keep", model("keep", removing), "Kept **{name}**.", For.THE_OWNER),
    Stop(
        "atelier-model:remove",
        model("remove", removing),
        "**{name}** was removed",
        For.THE_OWNER,
    ),
    Stop(
        "/lora add", slash("lora add", source=ink), "Licence: not known", For.THE_OWNER, public=True
    ),
    Stop("/lora remove", question, "Remove the LoRA **{name}**?", For.THE_OWNER),
    Stop(
        "atelier-model:removelora",
        model("removelora", removing_lora),
        "The LoRA **{name}** was removed",
        For.THE_OWNER,
    ),
]
"""In the order in which they are used: what is added is removed again."""
