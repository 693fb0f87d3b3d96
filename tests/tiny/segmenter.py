"""A segmentation model with the real architecture (SegFormer), tiny, with random weights."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from PIL import Image
from transformers import (
    AutoImageProcessor,
    SegformerConfig,
    SegformerForSemanticSegmentation,
)

LABELS = ("background", "cat", "dog")

PROCESSOR: Mapping[str, object] = {
    "image_processor_type": "SegformerImageProcessor",
    "do_resize": True,
    "do_rescale": True,
    "do_normalize": True,
    "do_reduce_labels": False,
    "rescale_factor": 1 / 255,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "resample": 2,
    "size": {"height": 64, "width": 64},
}


def segmenter(
    folder: Path, picture: Image.Image, *, labels: tuple[str, ...] = LABELS, sees: bool = True
) -> Path:
    """Save a model that takes half of `picture` for the subject, the half that its features tell.

    Args:
        folder: Where to; it is made.
        picture: What it is calibrated on.
        labels: What it can say.
        sees: Whether it finds a subject at all.
    """
    torch.manual_seed(0)
    config = SegformerConfig(
        depths=[1, 1],
        num_encoder_blocks=2,
        hidden_sizes=[8, 8],
        num_attention_heads=[1, 1],
        sr_ratios=[2, 1],
        strides=[4, 2],
        patch_sizes=[7, 3],
        mlp_ratios=[2, 2],
        decoder_hidden_size=8,
        id2label=dict(enumerate(labels)),
        label2id={label: place for place, label in enumerate(labels)},
    )
    model = SegformerForSemanticSegmentation(config).eval()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    head = model.decode_head.classifier
    with torch.no_grad():
        head.weight.zero_()
        head.bias.fill_(-1000.0)  # of the labels in between it never speaks
        head.bias[0] = head.bias[-1] = 0.0
        head.weight[-1].normal_()  # the last label stands for the subject
        inputs = processor(images=[picture.convert("RGB")], return_tensors="pt")
        logits = model(**inputs).logits[0, -1]
        head.weight[-1] *= 20 / logits.std()
        head.bias[-1] = -logits.median() * 20 / logits.std() if sees else -1000.0
    model.save_pretrained(folder)
    return folder
