"""What each member may use: the settings' limits, loosened or tightened by role."""

from collections.abc import Mapping

import discord

from cogs.discord_settings import LimitSettings
from engine import RateLimits


class Limits:
    """The limits in the settings."""

    def __init__(self, settings: LimitSettings) -> None:
        self._settings = settings

    @property
    def everybody(self) -> int:
        """Pictures that the settings give everybody within an hour."""
        return self._settings.pictures_per_hour

    def most(self, role: int) -> int:
        """What the settings give the members of a role within an hour."""
        granted = self._settings.roles.get(role)
        hourly = granted.pictures_per_hour if granted else None
        return self._settings.pictures_per_hour if hourly is None else hourly

    def rate_limits(
        self,
        user: discord.User | discord.Member,
        here: int | None = None,
        by_role: Mapping[int, int] | None = None,
    ) -> RateLimits:
        """What `user` may use. Of several roles with limits the most generous one counts.

        Args:
            user: Who asks.
            here: What their server gives its members an hour; a role with a limit stands over it.
            by_role: The same for some roles, by their ids. A server can never give more than the
                settings do.
        """
        settings, by_role = self._settings, by_role or {}
        roles = [role.id for role in user.roles] if isinstance(user, discord.Member) else []
        granted = {role: settings.roles[role] for role in roles if role in settings.roles}
        hourly = {
            role: limits.pictures_per_hour
            for role, limits in granted.items()
            if limits.pictures_per_hour is not None
        }
        waiting = [r.waiting_jobs for r in granted.values() if r.waiting_jobs is not None]
        most = max(hourly.values(), default=settings.pictures_per_hour)
        chosen = hourly | {role: by_role[role] for role in roles if role in by_role}
        return RateLimits(
            pictures_per_hour=min(most, max(chosen.values(), default=here or most)),
            waiting_jobs=max(waiting, default=settings.waiting_jobs),
        )
