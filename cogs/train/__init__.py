"""/train: LoRAs that members train on their own pictures."""

from cogs.context import Client
from cogs.messages.updater import MessageUpdater
from cogs.train import collecting_actions, end_actions, run_actions
from cogs.train.buttons import TrainingActions, TrainingButton
from cogs.train.caption_page import PageButton
from cogs.train.commands import TrainCommands
from cogs.train.expiry import TrainingExpiry
from cogs.train.forms import TrainingForms
from cogs.train.publishing import PublishButton
from cogs.train.threads import TrainingThreads
from cogs.train.training_messages import TrainingMessages


async def setup(bot: Client) -> None:
    """Add the feature to the bot."""
    services = bot.services
    messages = TrainingMessages(bot, bot.studio, services[MessageUpdater])
    services.add(TrainingMessages, messages)
    services.add(TrainingActions, TrainingActions()).add(
        add=collecting_actions.add,
        thread=collecting_actions.thread,
        view=collecting_actions.view,
        propose=collecting_actions.propose,
        agree=collecting_actions.agree,
        agreed=collecting_actions.agreed,
        start=collecting_actions.start,
        pause=run_actions.pause,
        resume=run_actions.resume,
        keep=run_actions.keep,
        finish=run_actions.finish,
        cancel=end_actions.cancel,
        cancelnow=end_actions.cancel_now,
        remove=end_actions.remove,
        removenow=end_actions.remove_now,
        leave=end_actions.leave,
        here=run_actions.here,
        paint=end_actions.paint,
        share=end_actions.share,
    )
    bot.add_dynamic_items(TrainingButton, PageButton, PublishButton)
    threads = services.add(TrainingThreads, TrainingThreads(bot, messages))
    bot.start_hooks += messages.resume, threads.load
    bot.stop_hooks.append(messages.close)
    await bot.add_cog(TrainCommands(bot.studio))
    await bot.add_cog(TrainingForms(bot.studio))
    await bot.add_cog(threads)
    await bot.add_cog(TrainingExpiry(bot, messages, threads))
