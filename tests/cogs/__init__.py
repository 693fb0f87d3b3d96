"""The Discord wing against the loopback Discord, with the real client, engine and database."""
