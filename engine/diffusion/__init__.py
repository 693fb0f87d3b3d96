"""The only place that imports torch, diffusers, transformers and accelerate.

Importing this package takes seconds; the rest of the engine imports it when it starts to paint.
"""

from engine.diffusion.devices import Device
from engine.diffusion.painter import Painter

__all__ = ["Device", "Painter"]
