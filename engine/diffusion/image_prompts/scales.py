"""How strongly each cross-attention sees a picture: by what it's used for, and its weight.

A style goes only to the layers of Stable Diffusion XL that paint it: the first stage upwards has
them in its second transformer (Wang et al., "InstantStyle", 2024, section 3.2, “style block”), with
the scale of 1 of that paper. No such layers are known of Stable Diffusion 1.5, which is shown all
of a picture; so is a subject, and what is blended. Scales of 0.5 to 0.6 leave room for the words
(“multimodal prompts” in the IP-Adapter paper's repository).
"""

from collections.abc import Iterable, Mapping
from math import log10

from engine.jobs.reference_uses import USUAL_WEIGHT, PictureKind, ReferenceUse

STYLE_LAYERS: Mapping[str, str] = {"sdxl": "up_blocks.0.attentions.1."}
"""What the names of the layers begin with that paint the style, by family."""

ALL_LAYERS = 0.6
STYLE_ALONE = 1.0
"""The usual scale, where all layers see the picture or those for the style."""


def scales_of(use: ReferenceUse, family: str, layers: Iterable[str]) -> dict[str, float]:
    """The scale of each of the `layers` that sees a picture used so; none with a weight of 0."""
    if not (strength := strength_of(use.weight)):
        return {}
    names = list(layers)
    prefix = STYLE_LAYERS.get(family) if use.kind is PictureKind.STYLE else None
    style = [name for name in names if prefix and name.startswith(prefix)]
    if style:  # smaller UNets of the family may lack them
        return dict.fromkeys(style, STYLE_ALONE * strength)
    return dict.fromkeys(names, ALL_LAYERS * strength)


def strength_of(weight: int) -> float:
    """What the usual scale is multiplied with: 0 at 0, 1 at 100, 2 at 1000.

    In proportion up to the usual weight; beyond it slower, since a scale of a few times the usual
    one leaves nothing of the picture that is painted.
    """
    share = weight / USUAL_WEIGHT
    return share if share <= 1 else 1 + log10(share)
