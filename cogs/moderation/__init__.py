"""Moderation: blocked members and words, reviews, and releasing withheld pictures."""

from cogs.context import Client
from cogs.messages.buttons import JobActions
from cogs.moderation.blocks import BlockCommands
from cogs.moderation.release import Release, release
from cogs.moderation.review_cards import ReviewActions, ReviewButton
from cogs.moderation.reviews import ReviewService
from cogs.moderation.words import Words
from cogs.requests.submission import RequestReviews, Submission


async def setup(bot: Client) -> None:
    """Add the feature to the bot."""
    reviews = ReviewService(bot, bot.studio, bot.services[Submission])
    bot.services.add(ReviewService, reviews)
    bot.services.add(RequestReviews, reviews)
    bot.services.add(ReviewActions, ReviewActions()).add(
        allow=reviews.approve, refuse=reviews.decline, withdraw=reviews.withdraw
    )
    bot.services[JobActions].add(release=release)
    bot.add_dynamic_items(ReviewButton)
    bot.start_hooks.append(reviews.resume)
    bot.stop_hooks.append(reviews.close)
    await bot.add_cog(BlockCommands(bot.studio))
    await bot.add_cog(Release(bot.studio))
    await bot.add_cog(Words(bot.studio))
