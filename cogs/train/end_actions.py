"""What is done with a training in the end: it is given up, removed, shared, or painted with."""

import discord
from discord import ui

from cogs.context import Interaction
from cogs.markdown import escaped
from cogs.messages.delivery import delete_message
from cogs.messages.replies import reply
from cogs.policy.access import Refused
from cogs.policy.audit import record
from cogs.policy.trainers import own_training, owns, require_trainer_of
from cogs.train.acting import messages_of, require_state
from cogs.train.buttons import TrainingButton
from cogs.train.home import TrainingHome
from cogs.train.modals import paint_modal
from cogs.train.threads import TrainingThreads
from engine import Training, TrainingState
from speech import say

UNFINISHED = frozenset(state for state in TrainingState if not state.over)


async def cancel(interaction: Interaction, training_id: int) -> None:
    """Ask whether to give up the training with its pictures."""
    training = await own_training(interaction, training_id, moderated=True)
    await require_state(interaction, training, *UNFINISHED)
    await ask(interaction, training, "cancelnow")


async def cancel_now(interaction: Interaction, training_id: int) -> None:
    """Give up the training with its pictures."""
    training = await own_training(interaction, training_id, moderated=True)
    await require_state(interaction, training, *UNFINISHED)
    await interaction.response.defer()
    training = await interaction.client.studio.trainings.cancel(training.id)
    interaction.client.services[TrainingThreads].release(training)
    await _answer(interaction, say("**{name}** was given up.", name=escaped(training.name)))
    await messages_of(interaction).refresh(training.id)
    if not owns(interaction, training):
        owner, number = f"<@{training.owner}>", training.id
        sentence = say("gave up {owner}'s training {number}", owner=owner, number=number)
        await record(interaction, sentence)


async def remove(interaction: Interaction, training_id: int) -> None:
    """Ask whether to remove the training with its LoRA."""
    training = await own_training(interaction, training_id, moderated=True)
    await ask(interaction, training, "removenow")


async def remove_now(interaction: Interaction, training_id: int) -> None:
    """Remove the training with its LoRA and its message."""
    training = await own_training(interaction, training_id, moderated=True)
    await interaction.response.defer()
    await interaction.client.studio.trainings.remove(training.id)
    interaction.client.services[TrainingThreads].release(training)
    await _answer(interaction, say("**{name}** was removed.", name=escaped(training.name)))
    await delete_message(interaction.client, TrainingHome.of(training).message_ref)
    if not owns(interaction, training):
        owner, number = f"<@{training.owner}>", training.id
        sentence = say("removed {owner}'s training {number}", owner=owner, number=number)
        await record(interaction, sentence)


async def leave(interaction: Interaction, training_id: int) -> None:
    """Leave the training as it is."""
    await interaction.response.defer()
    await _answer(interaction, say("It stays as it is."))


async def paint(interaction: Interaction, training_id: int) -> None:
    """Open a form for what to paint with the LoRA."""
    training = await own_training(interaction, training_id)
    await require_state(interaction, training, TrainingState.FINISHED)
    await interaction.response.send_modal(paint_modal(training))


async def share(interaction: Interaction, training_id: int) -> None:
    """Let everyone in the server use the LoRA."""
    training = await own_training(interaction, training_id)
    await require_state(interaction, training, TrainingState.FINISHED)
    if not training.scope.startswith("guild:"):
        raise Refused(say("It was trained outside of a server, so it stays yours alone."))
    await require_trainer_of(interaction, training)
    await interaction.response.defer(ephemeral=True)
    await interaction.client.studio.trainings.share(training.id)
    await messages_of(interaction).refresh(training.id)
    await reply(
        interaction,
        say("Everyone in the server can use **{name}** now.", name=escaped(training.name)),
    )


async def ask(interaction: Interaction, training: Training, verb: str) -> None:
    """Ask whether to do it, only the user.

    Args:
        interaction: The interaction.
        training: The training.
        verb: Of the button that does it, “cancelnow” or “removenow”.
    """
    name = escaped(training.name)
    question = (
        say("Give up **{name}**? Its pictures and what it has learnt are deleted.", name=name)
        if verb == "cancelnow"
        else say("Remove **{name}**? Its pictures and its LoRA are deleted.", name=name)
    )
    buttons = (TrainingButton(each, training.id) for each in (verb, "leave"))
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay(question)).add_item(ui.ActionRow(*buttons))
    await interaction.response.send_message(
        view=view, ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
    )


async def _answer(interaction: Interaction, text: str) -> None:
    """Put the outcome in place of the question."""
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay(text))
    await interaction.edit_original_response(
        view=view, attachments=[], allowed_mentions=discord.AllowedMentions.none()
    )
