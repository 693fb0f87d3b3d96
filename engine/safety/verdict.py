"""A verdict: what the classifier makes of a picture."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SafetyVerdict:
    """What the classifier has said of one picture.

    Attributes:
        label: The unsafe label that fits it best; empty when it could not be judged.
        score: How sure the classifier is that it is unsafe, from 0 to 1; `None` when it could not
            be judged.
        flagged: Whether it counts as unsafe; what could not be judged does.
        released: Whether somebody who may has let it be shown all the same.
    """

    label: str
    score: float | None
    flagged: bool
    released: bool = False

    @property
    def stands(self) -> bool:
        """Whether the picture is objected to now."""
        return self.flagged and not self.released

    @property
    def judged(self) -> bool:
        """Whether the classifier has seen it at all."""
        return self.score is not None


UNCHECKED = SafetyVerdict("", None, flagged=True)
"""Of a picture that the classifier could not look at."""
