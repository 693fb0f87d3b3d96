"""The models of a server and of the bot: choosing, adding with a download, removing."""
