"""Keeps devices busy: asyncio on one side, each device's thread or process on the other."""
