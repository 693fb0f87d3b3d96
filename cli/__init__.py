"""The commands, one file each. `cli.app` is the command line; `bot.py` is the door to it."""
