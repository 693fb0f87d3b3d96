"""Pictures of the bot's messages, made of what it has really sent; see `__main__`."""
