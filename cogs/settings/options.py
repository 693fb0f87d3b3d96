"""The options of the selects of /settings, with the current choice selected."""

import discord

from cogs.discord_settings import UNLIMITED
from cogs.policy.server_settings import Nsfw, ServerSettings
from cogs.requests.sizes import size_choices
from cogs.settings.changes import UNSET
from cogs.settings.items import MAX_OPTIONS
from engine import Model, ModelDefaults, Studio
from speech import LANGUAGES, phrase, say, say_many

NSFW_LABELS: dict[Nsfw | None, str] = {
    None: phrase("Bot owner's setting"),
    "spoiler": phrase("Hide as spoilers"),
    "withhold": phrase("Withhold until a moderator releases them"),
    "off": phrase("Show"),
}

HOURLY_LIMITS = (1, 2, 5, 10, 15, 20, 30, 50, 100, 200, 500)
"""The hourly limits to choose from, if they are below the owner's limit."""


async def model_options(studio: Studio, scope: str, used: str) -> list[discord.SelectOption]:
    """The models that are allowed here, the current one first, as many as fit into a select."""
    allowed = await studio.server_models.allowed(scope)
    names = [m.name for m in studio.models if allowed is None or m.name in allowed]
    names.sort(key=lambda name: name != used)
    return [_option(name, name, name == used) for name in names[:MAX_OPTIONS]]


def size_options(model: Model, defaults: ModelDefaults) -> list[discord.SelectOption]:
    """The sizes of the model, and the current one if it is another (`/model default`)."""
    own = say("Model's own size ({width}×{height})", width=model.width, height=model.height)
    chosen = f"{defaults.width}x{defaults.height}" if defaults.width else UNSET
    sizes = {choice.value: str(choice.name) for choice in size_choices(model, "")}
    if chosen != UNSET and chosen not in sizes:
        sizes = {chosen: chosen.replace("x", "×")} | sizes
    options = [_option(own, UNSET, chosen == UNSET)]
    options += [_option(name, value, value == chosen) for value, name in sizes.items()]
    return options[:MAX_OPTIONS]


def hourly_limit_options(chosen: int | None, maximum: int) -> list[discord.SelectOption]:
    """Hourly limits for all members.

    Args:
        chosen: The server's limit.
        maximum: The owner's limit.
    """
    unset = _option(say("Bot owner's setting"), UNSET, chosen is None)
    return [unset, *_limit_options(chosen, maximum)]


def role_limit_options(chosen: int | None, maximum: int) -> list[discord.SelectOption]:
    """Hourly limits for the members of a role; the arguments are the same."""
    unset = _option(say("Same as all members"), UNSET, chosen is None)
    unlimited = _option(pictures_label(UNLIMITED), str(UNLIMITED), chosen == UNLIMITED)
    return [unset, *_limit_options(None if chosen == UNLIMITED else chosen, maximum), unlimited]


def _limit_options(chosen: int | None, maximum: int) -> list[discord.SelectOption]:
    limits = sorted({*HOURLY_LIMITS, *([chosen] if chosen is not None else [])})
    return [
        _option(pictures_label(limit), str(limit), limit == chosen)
        for limit in limits
        if limit < maximum or limit == chosen
    ]


def language_options(settings: ServerSettings) -> list[discord.SelectOption]:
    """The languages, each by its own name."""
    unset = say("Language of the requesting member")
    return [
        _option(unset, UNSET, settings.language is None),
        *(_option(name, code, code == settings.language) for code, name in LANGUAGES.items()),
    ]


def nsfw_options(settings: ServerSettings, *, may_be_shown: bool) -> list[discord.SelectOption]:
    """What can happen to flagged pictures; `may_be_shown` if the owner allows showing them."""
    policies = [each for each in NSFW_LABELS if may_be_shown or each != "off"]
    chosen = settings.nsfw if settings.nsfw in policies else None
    return [_option(say(NSFW_LABELS[each]), each or UNSET, each == chosen) for each in policies]


def pictures_label(count: int) -> str:
    """A number of pictures; an unlimited number is limited by the owner's maximum."""
    if count == UNLIMITED:
        return say("Bot owner's maximum")
    return say_many("{number} picture", "{number} pictures", count)


def _option(label: str, value: str, chosen: bool) -> discord.SelectOption:
    return discord.SelectOption(label=label, value=value, default=chosen)
