"""Commands that are typed."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image

from tests.discord_server import Upload, Use

from .guide import OWN, Tour, number_of
from .props import UNSEEN, made_up, question, waiting
from .stops import Drive, For, Role, Stop

NOT_THE_OWNER = "Only the bot's owner can see"
NOT_FOR_OTHERS = "Only the bot's owner can reload its settings."
INSPIRES = "“Again” paints it, “Remix” changes it first."
DESCRIBES = "Describing pictures isn't set up here."
REWRITES = "Rewriting prompts isn't set up here."
NOT_THEIRS = "Only the person who requested job {number} can cancel it."
REFERENCES = "{number} reference picture"
UNSEEN_JOB = "Job {number} doesn't exist or isn't visible here."


def slash(command: str, /, **options: Any) -> Drive:
    """Using it with these options; what is a function is asked for each."""

    async def drive(tour: Tour) -> Use:
        given = {name: each(tour) if callable(each) else each for name, each in options.items()}
        return await tour.slash(command, **given)

    return drive


def job(tour: Tour) -> int:
    """One that they are allowed to see; of the stranger, the number of one that they are not."""
    return number_of(tour.one) if tour.role is not Role.STRANGER else tour.secret


def dave(tour: Tour) -> Any:
    """Somebody in their server."""
    return tour.message_ref.add_member("dave")


def picture(tour: Tour) -> Upload:
    """A picture of theirs."""
    buffer = BytesIO()
    Image.new("RGB", (64, 64), "red").save(buffer, "PNG")
    return Upload("fox.png", buffer.getvalue())


def here(tour: Tour) -> Any:
    """The channel where they are."""
    return tour.here


async def cancel(tour: Tour) -> Use:
    """Alice has something waiting; they call it off."""
    async with waiting(tour) as message:
        return await tour.slash("cancel", job=number_of(message))


async def grid(tour: Tour) -> Use:
    """Asking for a sheet, to be asked back."""
    return (await question(tour, tour.who, "grid", x="seed", x_values="1-2"))[0]


async def style(tour: Tour) -> Use:
    """Writing one; who may not see the form sends it all the same."""
    shown = await tour.slash("style add", name="someone")
    if shown.interaction.modal is not None:
        return await tour.send(shown, prompt="{prompt}，水墨")
    fields = {"prompt": "{prompt}，水墨", "negative_prompt": "", "model": ""}
    return await made_up(tour, "atelier-style:someone", fields)


async def another(tour: Tour) -> Use:
    """Asking for a random prompt, then for another."""
    shown = await (await tour.slash("inspire")).message()
    return await tour.click(shown, "atelier-inspire:another")


async def all_commands(tour: Tour) -> Use:
    """The list behind the page of help."""
    shown = await (await tour.slash("help")).message()
    return await tour.click(shown, "atelier-help")


TYPED = [
    Stop("/help", slash("help"), "## What I can do"),
    Stop("atelier-help", all_commands, "For everyone"),
    Stop("/imagine", slash("imagine", prompt=OWN), "seed {seed}", public=True),
    Stop("/edit", slash("edit", prompt=OWN, image=picture), REFERENCES, public=True),
    Stop(
        "/blend", slash("blend", prompt=OWN, image=picture, image2=picture), REFERENCES, public=True
    ),
    Stop("/describe", slash("describe", image=picture), DESCRIBES),
    Stop("/prompt improve", slash("prompt improve", text=OWN), REWRITES),
    Stop("/prompt shorten", slash("prompt shorten", text=OWN), REWRITES),
    Stop("/inspire", slash("inspire"), INSPIRES),
    Stop("atelier-inspire:another", another, INSPIRES),
    Stop("/grid", grid, "**A grid of {pictures}**, ready in about"),
    Stop("/queue", slash("queue"), "The queue is empty. `/imagine` starts now."),
    Stop(
        "/cancel",
        cancel,
        "Job {number} was cancelled.",
        told={Role.NEIGHBOUR: NOT_THEIRS, Role.STRANGER: UNSEEN_JOB},
    ),
    Stop("/history", slash("history"), "page {page} of {pages}"),
    Stop("/favourites", slash("favourites"), "Nothing found."),
    Stop("/show", slash("show", id=job), "painted", told={Role.STRANGER: UNSEEN}),
    Stop(
        "/me defaults",
        slash("me defaults", model="tiny", privacy="public"),
        "Your defaults: {defaults}.",
    ),
    Stop("/model list", slash("model list"), "This server uses **{name}**."),
    Stop("/model info", slash("model info", name="tiny"), "Sizes: {sizes}"),
    Stop("/lora info", slash("lora info"), "There are no LoRAs here yet."),
    Stop(
        "/model use",
        slash("model use", name="tiny"),
        "This server now paints with **{name}**.",
        For.MANAGERS,
        public=True,
    ),
    Stop(
        "/model default",
        slash("model default", name="other", steps=2),
        "Defaults of **{name}** here: {choices}.",
        For.MANAGERS,
    ),
    Stop("/model allow", slash("model allow"), "All models are allowed here.", For.MANAGERS),
    Stop("/style list", slash("style list"), "No styles here yet."),
    Stop("/style add", slash("style add", name="someone"), "Style {name}", For.MANAGERS),
    Stop("atelier-style", style, "Saved. Use it with `/imagine style:{name}`.", For.MANAGERS),
    Stop("/style edit", slash("style edit", name="someone"), "Style {name}", For.MANAGERS),
    Stop(
        "/style remove",
        slash("style remove", name="someone"),
        "Removed the style **{name}**.",
        For.MANAGERS,
    ),
    Stop(
        "/words block",
        slash("words block", word="坏"),
        "Prompts with “{word}” are now blocked.",
        For.MANAGERS,
    ),
    Stop(
        "/words review",
        slash("words review", word="疑"),
        "Prompts with “{word}” now need a moderator's approval.",
        For.MANAGERS,
    ),
    Stop(
        "/words waiting",
        slash("words waiting"),
        "No requests are waiting for review here.",
        For.MODERATORS,
    ),
    Stop("/words list", slash("words list"), "Words that need review:", For.MANAGERS),
    Stop(
        "/words remove",
        slash("words remove", word="坏"),
        "“{word}” can be used again.",
        For.MANAGERS,
    ),
    Stop(
        "/gallery",
        slash("gallery", channel=here),
        "From now on, starred pictures are reposted in {channel}",
        For.MANAGERS,
    ),
    Stop("/settings", slash("settings"), "Server settings", For.MANAGERS),
    Stop(
        "/block",
        slash("block", user=dave, reason="吵", days=2),
        "{user} is blocked until {end}.",
        For.MODERATORS,
    ),
    Stop("/unblock", slash("unblock", user=dave), "{user} can use me again.", For.MODERATORS),
    Stop("/audit", slash("audit"), "unblocked {user}", For.MODERATORS),
    Stop(
        "/release",
        slash("release", job=job),
        "Job {number} has no hidden pictures.",
        For.MODERATORS,
        told={Role.STRANGER: UNSEEN},
    ),
    Stop(
        "/status",
        slash("status"),
        "**Queue**",
        For.THE_OWNER,
        told=dict.fromkeys([role for role in Role if role is not Role.OWNER], NOT_THE_OWNER),
    ),
    Stop(
        "/reload",
        slash("reload"),
        "Nothing has changed in the settings.",
        For.THE_OWNER,
        told=dict.fromkeys([role for role in Role if role is not Role.OWNER], NOT_FOR_OTHERS),
    ),
]
"""In the order in which they are used: what is added is listed, changed and removed again."""
