"""What each member may use: the settings' limits, loosened or tightened by role."""

import discord

from cogs.settings import LimitSettings
from engine import Allowance


class Limits:
    """The limits in the settings."""

    def __init__(self, settings: LimitSettings) -> None:
        self._settings = settings

    def allowance(self, user: discord.User | discord.Member) -> Allowance:
        """What `user` may use. Of several roles with limits the most generous one counts."""
        settings = self._settings
        roles = user.roles if isinstance(user, discord.Member) else []
        granted = [settings.roles[role.id] for role in roles if role.id in settings.roles]
        hourly = [r.pictures_per_hour for r in granted if r.pictures_per_hour is not None]
        waiting = [r.waiting_jobs for r in granted if r.waiting_jobs is not None]
        return Allowance(
            pictures_per_hour=max(hourly, default=settings.pictures_per_hour),
            waiting_jobs=max(waiting, default=settings.waiting_jobs),
        )
