"""The command line, one module per command. `cli.app` defines it; `bot.py` calls it."""
