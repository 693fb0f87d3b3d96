"""The worker: asyncio on one side, the device thread on the other."""
