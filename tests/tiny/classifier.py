"""An image classifier with the real architecture (ViT), tiny, whose mind is made up beforehand."""

import json
from pathlib import Path
from typing import Any

import torch
from transformers import ViTConfig, ViTForImageClassification

SIDE = 32
LABELS = ("normal", "nsfw")

SURE = 8.0
"""The logit of a decision: its score is 0.9997."""


def classifier(
    folder: Path,
    flags: str,
    *,
    labels: tuple[str, ...] = LABELS,
    unsafe: int = 1,
    **options: Any,
) -> Path:
    """Save an image classifier into `folder`.

    Args:
        folder: Where to; it is made.
        flags: Which pictures it takes for unsafe: `all`, `none`, or the `bright` ones, whose mean
            is above a half.
        labels: What it can say.
        unsafe: The place of the label for pictures that it takes for unsafe.
        options: Further values of its configuration.
    """
    torch.manual_seed(0)
    config = ViTConfig(
        image_size=SIDE,
        patch_size=SIDE,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        id2label=dict(enumerate(labels)),
        label2id={label: place for place, label in enumerate(labels)},
        **options,
    )
    model = ViTForImageClassification(config)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.zero_()
        if flags == "bright":
            _see_brightness(model, unsafe)
        else:
            model.classifier.bias[unsafe] = SURE if flags == "all" else -SURE
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return folder


def _see_brightness(model: ViTForImageClassification, unsafe: int) -> None:
    """The first number of the only patch becomes its mean; attention carries it to the class.

    Pixels lie in -1 to 1 and values pass on unchanged, so the token of the class becomes itself
    plus the half of that (it attends to two tokens evenly). A layer norm leaves the sign alone
    where the other numbers are zero.
    """
    vit, head = model.vit, model.classifier
    for parameter in vit.parameters():
        parameter.zero_()
    for norm in (m for m in vit.modules() if isinstance(m, torch.nn.LayerNorm)):
        norm.weight.fill_(1.0)
    projection = vit.embeddings.patch_embeddings.projection
    projection.weight[0] = 1.0 / projection.weight[0].numel()
    for name, linear in vit.named_modules():
        if isinstance(linear, torch.nn.Linear) and name.endswith(PASSING):
            linear.weight.copy_(torch.eye(linear.out_features, linear.in_features))
    head.weight[unsafe, 0] = SURE


PASSING = ("v_proj", "o_proj")
"""What of an attention layer passes values on."""

PROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "do_resize": True,
    "do_rescale": True,
    "do_normalize": True,
    "rescale_factor": 1 / 255,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "resample": 2,
    "size": {"height": SIDE, "width": SIDE},
}
"""That of `Falconsai/nsfw_image_detection`, but for its size."""
