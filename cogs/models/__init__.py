"""/model and /lora: choosing a server's models, adding and removing models and LoRAs."""

from cogs.context import Client
from cogs.messages.throttle import EditThrottle
from cogs.models import actions
from cogs.models.buttons import ModelActions, ModelButton
from cogs.models.commands import Models
from cogs.models.downloads import ModelDownloads
from cogs.models.lora_commands import Loras


async def setup(bot: Client) -> None:
    """Add the feature to the bot."""
    downloads = ModelDownloads(bot, bot.studio, bot.services[EditThrottle])
    bot.services.add(ModelDownloads, downloads)
    bot.services.add(ModelActions, ModelActions()).add(
        download=actions.download,
        add=actions.download,
        resume=actions.download,
        stop=actions.stop,
        dismiss=actions.dismiss,
        remove=actions.remove,
        keep=actions.keep,
        removelora=actions.remove_lora,
    )
    bot.add_dynamic_items(ModelButton)
    bot.start_hooks.append(downloads.resume)
    bot.stop_hooks.append(downloads.close)
    await bot.add_cog(Models(bot.studio))
    await bot.add_cog(Loras(bot.studio))
