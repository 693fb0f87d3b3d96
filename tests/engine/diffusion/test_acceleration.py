"""What was compiled waits for the weights that it is compared with."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from engine.diffusion.acceleration import Acceleration
from engine.diffusion.tuning import Tuning
from engine.memory.plan import Plan


@pytest.mark.parametrize(("kind", "loads"), [("cpu", 1), ("cuda", 0)])
def test_it_is_not_loaded_while_the_weights_are_elsewhere(
    tmp_path: Path, kind: str, loads: int
) -> None:
    """A network that needed room has had them leave; blocks in RAM fail on a card's numbers."""
    loaded: list[bool] = []
    acceleration: Any = Acceleration(
        SimpleNamespace(unet=nn.Linear(2, 2)),
        "unet",
        torch.device(kind),
        Tuning(None, "card", "model", "float32"),
        lambda: Plan(dtype="float32"),
        lambda: 0,
        name="model",
        folder=tmp_path,
    )
    acceleration._compiler = SimpleNamespace(
        ready=True, overdue=False, load=lambda plain: loaded.append(plain)
    )
    acceleration.improve(idle=False)
    assert not loaded
    acceleration.improve(idle=True)
    assert len(loaded) == loads
