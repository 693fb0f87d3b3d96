"""What the safety checker says of a picture."""

from dataclasses import dataclass

CHECKED_SIDE = 512
"""Pixels a side of what a classifier is shown of a file; it looks at fewer."""


@dataclass(frozen=True, slots=True)
class SafetyVerdict:
    """The verdict on one picture.

    Attributes:
        label: The unsafe label with the highest score; empty if the picture couldn't be checked.
        score: How likely the picture is unsafe, 0 to 1; `None` if it couldn't be checked.
        flagged: Whether it counts as unsafe. A picture that couldn't be checked does.
        released: Whether a moderator has allowed it all the same.
    """

    label: str
    score: float | None
    flagged: bool
    released: bool = False

    @property
    def unsafe(self) -> bool:
        """Whether it counts as unsafe now: flagged, and not released."""
        return self.flagged and not self.released

    @property
    def checked(self) -> bool:
        """Whether the classifier could look at it."""
        return self.score is not None


def badness(verdict: SafetyVerdict) -> tuple[bool, bool, float]:
    """Verdicts in order, the worst last: what was found unsafe is worse than what isn't known."""
    return verdict.unsafe, verdict.checked, verdict.score or 0.0


UNCHECKED = SafetyVerdict("", None, flagged=True)
"""The verdict on a picture that couldn't be checked."""
