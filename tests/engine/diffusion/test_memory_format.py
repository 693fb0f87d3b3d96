"""The layout of convolutions that was found faster, however often weights leave and come back."""

from typing import Any

import pytest
import torch
from torch import nn

from engine.diffusion.memory_format import LAST, MemoryFormat
from engine.diffusion.tuning import Tuning


@pytest.mark.parametrize("may_try", [True, False])
def test_weights_that_come_back_are_laid_out_again_where_they_stay(may_try: bool) -> None:
    module: Any = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 3))
    tuning = Tuning(None, "card", "model", "float32")
    tuning.remember(unet_channels=LAST)
    layout = MemoryFormat(module, tuning, torch.device("cuda", 0), "unet")

    def lies_so() -> bool:
        return bool(module[1].weight.is_contiguous(memory_format=torch.channels_last))

    assert lies_so()
    module[1].weight.data = module[1].weight.data.contiguous()  # from masters in RAM
    layout.call(lambda: torch.zeros(1), may_try=may_try)
    assert lies_so() is may_try
