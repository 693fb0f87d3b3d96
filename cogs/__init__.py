"""The Discord side: slash commands, buttons and messages. It knows nothing of tensors."""

from cogs.bot import Atelier

__all__ = ["Atelier"]
