"""`worker`: painting for a bot on another machine, and inviting machines that do."""
