"""`service`: the bot as a service of systemd, launchd or Windows, and what it tells systemd."""
