"""Where a pipeline's components are while they work.

Weights on the device are a cache of the master weights in RAM: moving them there is one transfer,
and moving them back costs nothing, since RAM still has them.
"""

from engine.diffusion.offload.accelerate_hooks import AccelerateOffload
from engine.diffusion.offload.components import OffloadedComponents

__all__ = ["AccelerateOffload", "OffloadedComponents"]
