"""The names and descriptions of commands in each language."""

from discord import Locale
from discord.app_commands import (
    Command,
    TranslationContextLocation,
    TranslationContextTypes,
    Translator,
    locale_str,
)

from speech import WRITTEN_IN, language_for, translation

NAME, CHOICE, MENU = "name", "choice", "menu"
"""Contexts in the catalogues. Discord requires the names of commands, groups and options to be
lower case without spaces; those of choices and context menus can be any label."""

TRANSLATED = {
    locale: language for locale in Locale if (language := language_for(locale)) != WRITTEN_IN
}
"""The languages of those locales of Discord's that have one."""


class CommandTranslator(Translator):
    """Translates the commands' texts, from the catalogues, when discord.py syncs them."""

    async def translate(
        self, string: locale_str, locale: Locale, context: TranslationContextTypes
    ) -> str | None:
        """The text in that locale; `None` if Discord should show the English."""
        language = TRANSLATED.get(locale)
        if language is None:
            return None
        return translation(str(string), language, catalogue_context(context))


def catalogue_context(context: TranslationContextTypes) -> str | None:
    """The catalogue context of a text; `None` for descriptions."""
    match context.location:
        case TranslationContextLocation.command_name:
            return NAME if isinstance(context.data, Command) else MENU
        case TranslationContextLocation.group_name | TranslationContextLocation.parameter_name:
            return NAME
        case TranslationContextLocation.choice_name:
            return CHOICE
        case _:
            return None
