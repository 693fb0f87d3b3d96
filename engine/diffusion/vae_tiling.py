"""VAE tiling: a picture is decoded piece by piece, and the seams are blended."""

from typing import Any

from engine.memory.plan import Plan


def apply_vae_tiling(vae: Any, plan: Plan) -> None:
    """Have `vae` work in tiles of the plan's size, or without tiles.

    Diffusers' autoencoders describe tiles in one of two ways: by side and overlap, or by height,
    width and strides.
    """
    if not hasattr(vae, "enable_tiling"):
        return
    if not plan.tile_side:
        vae.disable_tiling()
        return
    side = plan.tile_side
    stride = int(side * (1 - plan.tile_overlap))
    if hasattr(vae, "tile_latent_min_size"):
        vae.enable_tiling()
        factor = vae.tile_sample_min_size / vae.tile_latent_min_size
        vae.tile_sample_min_size = side
        vae.tile_latent_min_size = int(side / factor)
        vae.tile_overlap_factor = plan.tile_overlap
    else:
        vae.enable_tiling(side, side, stride, stride)
