"""Recognizes pictures that would come out black, because what a model computed isn't finite."""

import torch
from PIL import Image

from engine.memory.plan import Stage


class NumbersOverflowed(ArithmeticError):
    """What a model computed is too large for its type, so that the picture would be black.

    Attributes:
        stage: `Stage.DECODE` if the VAE is to blame, else `Stage.STEP`.
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__(f"the numbers of {stage} overflow")
        self.stage = stage


def require_finite(numbers: torch.Tensor, stage: Stage) -> None:
    """Raise `NumbersOverflowed` if any of the numbers isn't finite; waits for the device."""
    if not torch.isfinite(numbers).all():
        raise NumbersOverflowed(stage)


def is_black(picture: Image.Image) -> bool:
    """Whether all of its pixels are black, as those of NaN are."""
    return picture.getbbox() is None
