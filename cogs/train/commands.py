"""/train: making LoRAs of one's own, and looking after them."""

from discord import app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from cogs.context import Interaction
from cogs.messages.replies import reply
from cogs.messages.text import shortened
from cogs.policy.access import is_moderator
from cogs.policy.contexts import anywhere, scope_of
from cogs.policy.privacy import reply_mode_of
from cogs.policy.request_context import request_context
from cogs.policy.trainers import own_training, require_trainer
from cogs.policy.visibility import jump_url
from cogs.requests.autocomplete import OptionChoices
from cogs.requests.choices import MAX_CHOICE_LENGTH, MAX_CHOICES
from cogs.requests.options import Name
from cogs.train import end_actions, publishing
from cogs.train.cards import KINDS, list_line, state_words
from cogs.train.home import TrainingHome
from cogs.train.training_messages import TrainingMessages
from engine import Studio, Training, TrainingEvent, TrainingKind, TrainingState
from speech import say

Number = Range[int, 1, 10**12]

KIND_CHOICES = [Choice(name=title, value=kind.value) for kind, title in KINDS.items()]


@anywhere
class TrainCommands(
    commands.GroupCog, group_name="train", group_description="Train LoRAs on your own pictures"
):
    """The commands about trainings."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._choices = OptionChoices(studio)
        super().__init__()

    @app_commands.command()
    @app_commands.describe(
        name="What to call the LoRA",
        trigger="The word that will call what it learns; one that means nothing yet, like zork",
        kind="What it learns: one person, animal or thing, a style, or what pictures share",
        base="The model to train on; the default model here if omitted",
        private="Keep it to yourself; your /me defaults apply if omitted",
    )
    @app_commands.choices(kind=KIND_CHOICES)
    async def new(
        self,
        interaction: Interaction,
        name: Name,
        trigger: Range[str, 1, 100],
        kind: str,
        base: Name | None = None,
        private: bool | None = None,
    ) -> None:
        """Train a LoRA on your own pictures"""
        await require_trainer(interaction)
        context = await request_context(interaction)
        reply_mode = await reply_mode_of(interaction, private=private)
        messages = interaction.client.services[TrainingMessages]
        message_ref = await messages.place(interaction, private=reply_mode.private)
        training = await self._studio.trainings.new(
            owner=context.owner,
            scope=scope_of(interaction),
            message_ref=TrainingHome(message_ref=message_ref).to_json(),
            name=name,
            model=base or context.models.model.name,
            kind=TrainingKind(kind),
            trigger=trigger,
            private=reply_mode.private,
        )
        await messages.send(interaction, training, message_ref)

    @app_commands.command(name="list")
    async def list_trainings(self, interaction: Interaction) -> None:
        """List your trainings"""
        trainings = {each.id: each for each in await self._visible(interaction)}
        lines = [
            list_line(
                TrainingEvent(training=training), jump_url(TrainingHome.of(training).message_ref)
            )
            for training in sorted(trainings.values(), key=lambda each: -each.id)
        ]
        if not lines:
            await reply(
                interaction,
                say("You haven't trained anything yet. `/train new` begins."),
            )
            return
        await reply(interaction, "\n".join(lines))

    @app_commands.command()
    @app_commands.describe(training="Which training")
    async def show(self, interaction: Interaction, training: Number) -> None:
        """Show a training in a new message"""
        found = await own_training(interaction, training)
        messages = interaction.client.services[TrainingMessages]
        message_ref = await messages.place(interaction, private=found.private)
        await messages.send(interaction, found, message_ref)

    @app_commands.command()
    @app_commands.describe(training="Which training")
    async def cancel(self, interaction: Interaction, training: Number) -> None:
        """Give up a training; asks first"""
        await end_actions.cancel(interaction, training)

    @app_commands.command()
    @app_commands.describe(training="Which training")
    async def remove(self, interaction: Interaction, training: Number) -> None:
        """Remove a training and its LoRA; asks first"""
        await end_actions.remove(interaction, training)

    @app_commands.command()
    @app_commands.describe(training="Which of your finished trainings")
    async def share(self, interaction: Interaction, training: Number) -> None:
        """Share a LoRA of yours with the server"""
        await end_actions.share(interaction, training)

    @app_commands.command()
    @app_commands.describe(
        training="Which of your finished trainings",
        repo="OWNER/NAME on the Hub; your account and the LoRA's name if omitted",
        licence="A licence of the Hub, such as apache-2.0; that of the base model if omitted",
    )
    async def publish(
        self,
        interaction: Interaction,
        training: Number,
        repo: Range[str, 1, 96] = "",
        licence: Range[str, 1, 50] = "",
    ) -> None:
        """Publish a LoRA of yours on the Hub: see its model card first"""
        await publishing.propose(interaction, training, repo.strip(), licence.strip())

    @show.autocomplete("training")
    async def _complete_own(self, interaction: Interaction, current: str) -> list[Choice[int]]:
        own = await self._studio.trainings.of_owner(str(interaction.user.id))
        return _choices(own, current)

    @cancel.autocomplete("training")
    async def _complete_unfinished(
        self, interaction: Interaction, current: str
    ) -> list[Choice[int]]:
        found = await self._visible(interaction)
        return _choices([each for each in found if not each.state.over], current)

    @remove.autocomplete("training")
    async def _complete_all(self, interaction: Interaction, current: str) -> list[Choice[int]]:
        return _choices(await self._visible(interaction), current)

    @share.autocomplete("training")
    async def _complete_private(self, interaction: Interaction, current: str) -> list[Choice[int]]:
        own = await self._studio.trainings.of_owner(str(interaction.user.id))
        finished = TrainingState.FINISHED
        return _choices([each for each in own if each.private and each.state is finished], current)

    @publish.autocomplete("training")
    async def _complete_finished(self, interaction: Interaction, current: str) -> list[Choice[int]]:
        own = await self._studio.trainings.of_owner(str(interaction.user.id))
        return _choices([each for each in own if each.state is TrainingState.FINISHED], current)

    @new.autocomplete("base")
    async def _complete_base(self, interaction: Interaction, current: str) -> list[Choice[str]]:
        return await self._choices.find("model", interaction, current)

    async def _visible(self, interaction: Interaction) -> list[Training]:
        """The user's trainings, and for moderators those of the server, each once."""
        trainings = self._studio.trainings
        found = {each.id: each for each in await trainings.of_owner(str(interaction.user.id))}
        if is_moderator(interaction):
            of_server = await trainings.of_scope(scope_of(interaction))
            found |= {each.id: each for each in of_server}
        return list(found.values())


def _choices(trainings: list[Training], current: str) -> list[Choice[int]]:
    typed = current.strip().casefold()
    return [
        Choice(
            name=shortened(
                f"{each.id}: {each.name} · {state_words(TrainingEvent(training=each))}",
                MAX_CHOICE_LENGTH,
            ),
            value=each.id,
        )
        for each in trainings
        if typed in each.name.casefold() or typed == str(each.id)
    ][:MAX_CHOICES]
