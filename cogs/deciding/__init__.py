"""What a server decides about the bot, and the panel of /settings."""
