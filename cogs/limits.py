"""What each member may use: the settings' limits, loosened or tightened by role."""

import discord

from cogs.settings import LimitSettings
from engine import Allowance


class Limits:
    """The limits in the settings."""

    def __init__(self, settings: LimitSettings) -> None:
        self._settings = settings

    def allowance(self, user: discord.User | discord.Member, here: int | None = None) -> Allowance:
        """What `user` may use. Of several roles with limits the most generous one counts.

        `here` is what their server gives its members an hour: it can only be less than what the
        settings give, and a role with a limit stands over it.
        """
        settings = self._settings
        roles = user.roles if isinstance(user, discord.Member) else []
        granted = [settings.roles[role.id] for role in roles if role.id in settings.roles]
        everybody = settings.pictures_per_hour
        hourly = [r.pictures_per_hour for r in granted if r.pictures_per_hour is not None]
        waiting = [r.waiting_jobs for r in granted if r.waiting_jobs is not None]
        return Allowance(
            pictures_per_hour=max(hourly, default=min(everybody, here or everybody)),
            waiting_jobs=max(waiting, default=settings.waiting_jobs),
        )
