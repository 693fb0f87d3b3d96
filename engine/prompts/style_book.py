"""Reads and changes the styles of each scope and the defaults of each person."""

from engine.errors import InvalidRequest
from engine.prompts.styles import (
    STYLES,
    USER_DEFAULTS,
    Style,
    UserDefaults,
    check_style,
    find_style,
    styles_from_json,
    styles_to_json,
)
from engine.store import Preferences
from speech import say

MAX_STYLES = 100
"""Of one scope."""


class StyleBook:
    """The styles and user defaults in the database."""

    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences

    async def all(self, scope: str) -> dict[str, Style]:
        """The styles of a scope by their names in lower case, sorted."""
        return styles_from_json(await self._preferences.get(scope, STYLES))

    async def get(self, scope: str, name: str) -> Style:
        """The style called `name`. Raises as `find_style` does."""
        return find_style(await self.all(scope), name)

    async def save(self, scope: str, style: Style) -> None:
        """Add a style, or replace the one of the same name.

        Raises:
            InvalidRequest: When it isn't valid, or the scope has too many.
        """
        check_style(style)

        def saved(stored: str | None) -> str:
            styles = styles_from_json(stored) | {style.name.casefold(): style}
            if len(styles) > MAX_STYLES:
                raise InvalidRequest(
                    say("There are already {most} styles. Remove one first.", most=MAX_STYLES)
                )
            return styles_to_json(styles.values())

        await self._preferences.change(scope, STYLES, saved)

    async def remove(self, scope: str, name: str) -> Style:
        """Remove a style and return it. Raises as `get` does."""
        removed: Style | None = None

        def others(stored: str | None) -> str:
            nonlocal removed
            styles = styles_from_json(stored)
            removed = find_style(styles, name)
            return styles_to_json(style for style in styles.values() if style is not removed)

        await self._preferences.change(scope, STYLES, others)
        assert removed is not None, "find_style raises otherwise"
        return removed

    async def user_defaults(self, person: str) -> UserDefaults:
        """A person's defaults."""
        return UserDefaults.from_json(await self._preferences.get(person, USER_DEFAULTS))

    async def set_user_defaults(self, person: str, user_defaults: UserDefaults) -> None:
        """Store a person's defaults; empty ones reset them all."""
        await self._preferences.set(person, USER_DEFAULTS, user_defaults.to_json())
