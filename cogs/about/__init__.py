"""What the bot says about itself: /help, /status, its greeting and presence."""
