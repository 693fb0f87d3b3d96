"""The bot's side, part by part."""
