"""Reading the settings again while the bot runs."""
