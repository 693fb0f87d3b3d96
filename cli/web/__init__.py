"""The owner's page, metrics for Prometheus and a health check, in the bot's own event loop.

It reads the studio, and knows neither Discord nor torch: what it shows of the bot comes in through
`sources.BotView`.
"""
