"""IP-Adapters: reference pictures for models that only read words.

Ye et al., "IP-Adapter", 2023: what a CLIP image encoder sees of a picture becomes further keys and
values for each of the UNet's cross-attentions, whose result is added to that of the words. Neither
depends on the step. So they are made once, before the first one, and the encoder and the adapter
leave the device as text encoders do.
"""

from engine.diffusion.image_prompts.attention import PictureAttention
from engine.diffusion.image_prompts.encoder import ImagePrompts
from engine.diffusion.image_prompts.prompt import ImagePrompt

__all__ = ["ImagePrompt", "ImagePrompts", "PictureAttention"]
