"""Networks that work on finished pictures, beside the models that paint them."""

from engine.diffusion.networks.runner import NetworkRunner

__all__ = ["NetworkRunner"]
