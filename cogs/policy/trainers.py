"""Who may train LoRAs where, and whose trainings they may act on."""

from contextlib import suppress

import discord

from cogs.context import Interaction
from cogs.policy.access import Refused, block_sentence, is_moderator, is_owner, member_manages
from cogs.policy.contexts import is_user_install, scope_of
from cogs.policy.request_context import request_context, settings_in
from engine import NotYours, RequestContext, Training, UnknownJob
from speech import say


async def require_trainer(interaction: Interaction) -> None:
    """Raise `Refused` unless the user may train LoRAs here.

    In a server that takes moderating it, or a role chosen in `/settings`. Elsewhere it takes
    owning the bot, unless the setting `personal_training` allows it to everyone.
    """
    if not interaction.client.studio.trainings.enabled:
        raise Refused(say("Training LoRAs is turned off here."))
    if interaction.guild_id is None or is_user_install(interaction):
        if not (interaction.client.settings.personal_training or is_owner(interaction)):
            raise Refused(
                say("Only the bot's owner can train LoRAs here. Ask in a server that I'm in.")
            )
    elif not is_moderator(interaction):
        _require_role(interaction.user, await request_context(interaction))


async def require_trainer_of(interaction: Interaction, training: Training) -> None:
    """Raise `Refused` unless the user may train LoRAs where this one was begun.

    The result is for that place, wherever the user acts on it.
    """
    if training.scope == scope_of(interaction) or not training.scope.startswith("guild:"):
        await require_trainer(interaction)
        return
    bot = interaction.client
    member = None
    if (guild := bot.get_guild(int(training.scope.removeprefix("guild:")))) is not None:
        with suppress(discord.NotFound):
            member = await guild.fetch_member(interaction.user.id)
    if member is None:
        raise Refused(
            say("This training was begun in a server in which one of us isn't a member any more.")
        )
    user = str(member.id)
    context = await bot.studio.context(training.scope, f"user:{user}", user)
    if not member_manages(bot, member):
        if context.block is not None:
            raise Refused(block_sentence(context.block))
        if not member.guild_permissions.moderate_members:
            _require_role(member, context)


def _require_role(user: discord.User | discord.Member, context: RequestContext) -> None:
    trainers = settings_in(context).trainers
    roles = user.roles if isinstance(user, discord.Member) else []
    if not any(role.id in trainers for role in roles):
        raise Refused(
            say(
                "Training LoRAs here takes a role that a server manager has chosen in "
                "`/settings`, or moderating this server."
            )
        )


def seen_by_all(training: Training) -> bool:
    """Whether everyone in the server where it was begun sees it."""
    return training.scope.startswith("guild:") and not training.private


def owns(interaction: Interaction, training: Training) -> bool:
    """Whether the user has asked for the training."""
    return training.owner == str(interaction.user.id)


def may_end(interaction: Interaction, training: Training) -> bool:
    """Whether the user may pause, stop and remove the training: it's theirs, or they moderate."""
    return owns(interaction, training) or (
        training.scope == scope_of(interaction)
        and not training.private
        and is_moderator(interaction)
    )


async def own_training(
    interaction: Interaction, training_id: int, *, moderated: bool = False
) -> Training:
    """The training of that number.

    Args:
        interaction: The interaction.
        training_id: The number.
        moderated: Whether moderators may act on those of their server, too.

    Raises:
        UnknownJob: When there is none, or it isn't known here, with the same text for both.
        NotYours: When somebody else has asked for it.
    """
    unknown = UnknownJob(
        say(
            "Training {number} doesn't exist or isn't yours. `/train list` lists your own.",
            number=training_id,
        )
    )
    try:
        training = await interaction.client.studio.trainings.get(training_id)
    except UnknownJob as error:
        raise unknown from error
    if owns(interaction, training) or (moderated and may_end(interaction, training)):
        return training
    if training.private or training.scope != scope_of(interaction):
        raise unknown
    raise NotYours(
        say(
            "Only the person who asked for training {number} can do that.",
            number=training.id,
        )
    )
