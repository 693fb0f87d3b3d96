"""A CUDA card that is not there, on which the engine's own code runs.

Tensors claim to be on `cuda:0`. They refuse to mix with those of the CPU and with other dtypes,
take room from a model of torch's caching allocator, up to a limit, and compute on the CPU: tiny
models with real values, full-size ones on the meta device, as shapes alone. Streams and events
carry vector clocks, so that a transfer that is used before it has arrived is found.

Not simulated: speed, the workspaces of cuDNN, float16's overflow with real weights, drivers that
spill into RAM, the kernels of bitsandbytes and torchao. So peaks while decoding are lower bounds.
"""

from tests.card.card import Card, plugged_in
from tests.card.tensors import CardTensor, DeviceMix, DtypeMix, as_card_tensors

__all__ = ["Card", "CardTensor", "DeviceMix", "DtypeMix", "as_card_tensors", "plugged_in"]
