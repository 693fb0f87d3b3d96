"""What crosses between the bot and its workers."""
