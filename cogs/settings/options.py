"""The options of the selects of /settings, each showing what is chosen now."""

import discord

from cogs.discord_settings import UNLIMITED
from cogs.policy.server_settings import Nsfw, ServerSettings
from cogs.requests.sizes import size_choices
from cogs.settings.changes import UNCHANGED
from cogs.settings.items import MOST_OPTIONS
from engine import Model, ModelDefaults, Studio
from speech import LANGUAGES, phrase, say, say_many

NSFW: dict[Nsfw | None, str] = {
    None: phrase("Bot owner's setting"),
    "spoiler": phrase("Hide as spoilers"),
    "withhold": phrase("Withhold until a moderator releases them"),
    "off": phrase("Show"),
}

PACES = (1, 2, 5, 10, 15, 20, 30, 50, 100, 200, 500)
"""Pictures an hour to choose from, as far as they are fewer than what the owner gives."""


async def model_options(studio: Studio, scope: str, used: str) -> list[discord.SelectOption]:
    """The models that are allowed here, the one in use first, as many as a select takes."""
    allowed = await studio.server_models.allowed(scope)
    names = [m.name for m in studio.models if allowed is None or m.name in allowed]
    names.sort(key=lambda name: name != used)
    return [_option(name, name, name == used) for name in names[:MOST_OPTIONS]]


def size_options(model: Model, defaults: ModelDefaults) -> list[discord.SelectOption]:
    """The sizes that the model offers; one that was typed once is among them while it holds."""
    own = say("Model's own size ({width}×{height})", width=model.width, height=model.height)
    chosen = f"{defaults.width}x{defaults.height}" if defaults.width else UNCHANGED
    sizes = {choice.value: str(choice.name) for choice in size_choices(model, "")}
    if chosen != UNCHANGED and chosen not in sizes:
        sizes = {chosen: chosen.replace("x", "×")} | sizes
    options = [_option(own, UNCHANGED, chosen == UNCHANGED)]
    options += [_option(name, value, value == chosen) for value, name in sizes.items()]
    return options[:MOST_OPTIONS]


def pace_options(chosen: int | None, most: int) -> list[discord.SelectOption]:
    """Pictures an hour for everybody, as far as they are fewer than `most`: what the owner gives.

    `chosen` is what the server has decided.
    """
    own = _option(say("Bot owner's setting"), UNCHANGED, chosen is None)
    return [own, *_paces(chosen, most)]


def role_pace_options(chosen: int | None, most: int) -> list[discord.SelectOption]:
    """The same for the members of a role."""
    own = _option(say("Same as all members"), UNCHANGED, chosen is None)
    every = _option(pictures(UNLIMITED), str(UNLIMITED), chosen == UNLIMITED)
    return [own, *_paces(None if chosen == UNLIMITED else chosen, most), every]


def _paces(chosen: int | None, most: int) -> list[discord.SelectOption]:
    paces = sorted({*PACES, *([chosen] if chosen is not None else [])})
    return [
        _option(pictures(pace), str(pace), pace == chosen)
        for pace in paces
        if pace < most or pace == chosen
    ]


def language_options(settings: ServerSettings) -> list[discord.SelectOption]:
    """The languages, each by its own name."""
    own = say("Language of the requesting member")
    return [
        _option(own, UNCHANGED, settings.language is None),
        *(_option(name, code, code == settings.language) for code, name in LANGUAGES.items()),
    ]


def nsfw_options(settings: ServerSettings, *, may_be_shown: bool) -> list[discord.SelectOption]:
    """What can become of unsafe pictures; only some owners let them be shown."""
    offered = [each for each in NSFW if may_be_shown or each != "off"]
    chosen = settings.nsfw if settings.nsfw in offered else None
    return [_option(say(NSFW[each]), each or UNCHANGED, each == chosen) for each in offered]


def pictures(count: int) -> str:
    """So many pictures; of unlimited ones there are as many as the owner gives."""
    if count == UNLIMITED:
        return say("Bot owner's maximum")
    return say_many("{number} picture", "{number} pictures", count)


def _option(label: str, value: str, chosen: bool) -> discord.SelectOption:
    return discord.SelectOption(label=label, value=value, default=chosen)
