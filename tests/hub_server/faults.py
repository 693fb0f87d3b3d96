"""How a file of the loopback Hub may come wrong."""

from dataclasses import dataclass


@dataclass(slots=True)
class Fault:
    """What is wrong with one file; each number of times counts down.

    Attributes:
        drop_after: The connection ends after that many bytes of each answer.
        drops: How often it does so.
        stall_after: Nothing more comes after that many bytes, and the connection stays open.
        corrupt: The first byte is another than it should be.
        status: Answered instead of the file.
        refusals: How often it is.
        whole: A question for a part is answered with all.
    """

    drop_after: int | None = None
    drops: int = 1
    stall_after: int | None = None
    corrupt: bool = False
    status: int | None = None
    refusals: int = 1
    whole: bool = False

    def refuses(self) -> int | None:
        """The status to answer with this time."""
        if self.status is None or self.refusals <= 0:
            return None
        self.refusals -= 1
        return self.status

    def ends(self, size: int) -> int:
        """How many of `size` bytes to send before the connection ends this time."""
        if self.drop_after is None or self.drops <= 0 or self.drop_after >= size:
            return size
        self.drops -= 1
        return self.drop_after
