"""Loads the context of a request."""

from engine.jobs.context import RequestContext
from engine.models.catalogue import Catalogue
from engine.store import ModerationTable, Preferences


class ContextLoader:
    """Reads what a request depends on, with two reads of the database."""

    def __init__(
        self, catalogue: Catalogue, preferences: Preferences, moderation: ModerationTable
    ) -> None:
        self._catalogue = catalogue
        self._preferences = preferences
        self._moderation = moderation

    async def load(self, scope: str, user_scope: str, owner: str) -> RequestContext:
        """The context of a request of `owner` in `scope`, whose own choices are in `user_scope`."""
        preferences, user_preferences = await self._preferences.of(scope, user_scope)
        return RequestContext(
            scope=scope,
            owner=owner,
            preferences=preferences,
            user_preferences=user_preferences,
            block=await self._moderation.blocked(scope, owner),
            catalogue=self._catalogue,
        )
