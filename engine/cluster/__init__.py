"""Workers on other machines: their commands and reports cross NATS; the bot decides."""
