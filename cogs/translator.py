"""What commands are called in each language, for Discord to show."""

from discord import Locale
from discord.app_commands import (
    Command,
    TranslationContextLocation,
    TranslationContextTypes,
    Translator,
    locale_str,
)

from speech import language_for, translation

NAME, CHOICE, MENU = "name", "choice", "menu"
"""Contexts in the catalogues. Discord wants names short, in lower case and without spaces: those of
commands, groups and options. Those of choices and context menus may be like any label."""


class CommandTranslator(Translator):
    """Looks up in the catalogues what discord.py tells Discord with the commands."""

    async def translate(
        self, string: locale_str, locale: Locale, context: TranslationContextTypes
    ) -> str | None:
        """The name or description in that locale; `None` where Discord is to show the English."""
        return translation(str(string), language_for(locale), catalogue_context(context))


def catalogue_context(context: TranslationContextTypes) -> str | None:
    """The context under which the catalogues have it; `None` for descriptions."""
    match context.location:
        case TranslationContextLocation.command_name:
            return NAME if isinstance(context.data, Command) else MENU
        case TranslationContextLocation.group_name | TranslationContextLocation.parameter_name:
            return NAME
        case TranslationContextLocation.choice_name:
            return CHOICE
        case _:
            return None
