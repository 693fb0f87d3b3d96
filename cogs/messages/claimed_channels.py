"""Channels in which one feature takes the messages, and others leave them alone."""


class ClaimedChannels:
    """The numbers of such channels. Features claim them; those that listen everywhere ask."""

    def __init__(self) -> None:
        self._claimed: set[int] = set()

    def claim(self, channel_id: int) -> None:
        """Have the messages there be one feature's alone."""
        self._claimed.add(channel_id)

    def release(self, channel_id: int) -> None:
        """Have them be everybody's again."""
        self._claimed.discard(channel_id)

    def __contains__(self, channel_id: int) -> bool:
        return channel_id in self._claimed
