"""/settings: what a server decides about the bot."""
