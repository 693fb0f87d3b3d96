"""How much each member may use: the owner's limits, and those of servers and roles."""

from collections.abc import Mapping

import discord

from cogs.discord_settings import LimitSettings
from engine import RateLimits


class Limits:
    """The limits in the owner's settings.

    Attributes:
        settings: What counts from now on.
    """

    def __init__(self, settings: LimitSettings) -> None:
        self.settings = settings

    @property
    def default_per_hour(self) -> int:
        """Pictures per hour for members without a role that has its own limit."""
        return self.settings.pictures_per_hour

    def role_per_hour(self, role: int) -> int:
        """Pictures per hour for the members of a role."""
        limits = self.settings.roles.get(role)
        per_hour = limits.pictures_per_hour if limits else None
        return self.settings.pictures_per_hour if per_hour is None else per_hour

    def rate_limits(
        self,
        user: discord.User | discord.Member,
        server_limit: int | None = None,
        role_limits: Mapping[int, int] | None = None,
    ) -> RateLimits:
        """The limits of `user`. With several roles that have limits, the highest counts.

        Args:
            user: The user.
            server_limit: Their server's pictures per hour, for members without such a role.
            role_limits: Their server's pictures per hour for some roles, by the role's ID. A
                server can't exceed the owner's limits.
        """
        settings, role_limits = self.settings, role_limits or {}
        roles = [role.id for role in user.roles] if isinstance(user, discord.Member) else []
        owner_limits = {role: settings.roles[role] for role in roles if role in settings.roles}
        per_hour = {
            role: limits.pictures_per_hour
            for role, limits in owner_limits.items()
            if limits.pictures_per_hour is not None
        }
        waiting = [each.waiting_jobs for each in owner_limits.values() if each.waiting_jobs]
        maximum = max(per_hour.values(), default=settings.pictures_per_hour)
        by_role = per_hour | {role: role_limits[role] for role in roles if role in role_limits}
        return RateLimits(
            pictures_per_hour=min(maximum, max(by_role.values(), default=server_limit or maximum)),
            waiting_jobs=max(waiting, default=settings.waiting_jobs),
        )
