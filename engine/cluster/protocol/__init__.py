"""What crosses between the bot and its workers: messages, their bytes, and where they go."""
