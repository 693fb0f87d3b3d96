"""Models that read depth and poses, with real architectures and tiny random weights."""

import json
from pathlib import Path
from typing import Any

import torch
from transformers import (
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    Dinov2Config,
    VitPoseBackboneConfig,
    VitPoseConfig,
    VitPoseForPoseEstimation,
)

NORMALIZED = {
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}


def depth_estimator(folder: Path, *, metric: bool = False) -> Path:
    """Save a Depth Anything model into `folder`; a metric one tells distances."""
    torch.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=56,
        patch_size=14,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=16,
        patch_size=14,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=8,
        depth_estimation_type="metric" if metric else "relative",
        max_depth=10 if metric else 1,
    )
    model: Any = DepthAnythingForDepthEstimation(config)
    for weights in model.head.parameters():
        weights.data *= 30
    model.head.conv3.bias.data.fill_(1.0)
    model.save_pretrained(folder)
    size = {"do_resize": True, "size": {"height": 56, "width": 56}, "ensure_multiple_of": 14}
    _write(folder, {"image_processor_type": "DPTImageProcessor", **size, **NORMALIZED})
    return folder


def pose_estimator(folder: Path) -> Path:
    """Save a ViTPose model into `folder`."""
    torch.manual_seed(0)
    backbone = VitPoseBackboneConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=[64, 48],
        patch_size=[16, 16],
        out_features=["stage1"],
        out_indices=[1],
    )
    names = {number: str(number) for number in range(17)}
    config = VitPoseConfig(
        backbone_config=backbone,
        use_simple_decoder=True,
        id2label=names,
        label2id={name: number for number, name in names.items()},
    )
    model: Any = VitPoseForPoseEstimation(config)
    model.head.conv.bias.data.fill_(1.0)  # sure of every joint
    model.save_pretrained(folder)
    size = {"do_affine_transform": True, "size": {"height": 64, "width": 48}}
    _write(folder, {"image_processor_type": "VitPoseImageProcessor", **size, **NORMALIZED})
    return folder


def _write(folder: Path, processor: dict[str, object]) -> None:
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
