"""What the server and the user have decided, read once for an interaction."""

from cogs.context import Interaction
from cogs.policy.contexts import scope_of, user_scope
from cogs.policy.server_settings import SETTINGS_KEY, ServerSettings
from engine import RequestContext
from speech import current_language

CONTEXT = "request_context"
"""The key in an interaction's extras."""


async def request_context(interaction: Interaction) -> RequestContext:
    """The context of the interaction, loaded when it is first asked for."""
    if (known := interaction.extras.get(CONTEXT)) is not None:
        assert isinstance(known, RequestContext)
        return known
    context = interaction.extras[CONTEXT] = await interaction.client.studio.context(
        scope_of(interaction), user_scope(interaction), str(interaction.user.id)
    )
    return context


def settings_in(context: RequestContext) -> ServerSettings:
    """The settings of the context's server."""
    return ServerSettings.from_json(context.preferences.get(SETTINGS_KEY))


async def channel_language(interaction: Interaction) -> str:
    """The language of public messages in the channel: the server's, else the user's."""
    return settings_in(await request_context(interaction)).language or current_language()
