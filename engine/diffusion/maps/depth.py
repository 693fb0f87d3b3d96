"""Depth maps by a depth-estimation model of Transformers."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from PIL import Image
from transformers import AutoModelForDepthEstimation

from engine.diffusion.vision_models import load_vision_model
from speech import phrase

FAILED = phrase("The model for depth maps couldn't be loaded: {reason}.")

METRIC = frozenset({"zoedepth", "glpn", "depth_pro"})
"""Kinds of model that estimate distances; others estimate nearness."""


class DepthEstimator:
    """Tells how near each pixel of a picture is. It belongs to one thread."""

    def __init__(self, model: Any, processor: Any) -> None:
        """Take a Transformers model for depth estimation, and what preprocesses for it."""
        self._model, self._processor = model, processor
        kind = getattr(model.config, "depth_estimation_type", None)
        self._metric = kind == "metric" or model.config.model_type in METRIC

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load the model in `folder`. Raises `ModelUnavailable`."""
        return cls(*load_vision_model(AutoModelForDepthEstimation, folder, FAILED))

    @torch.inference_mode()
    def read(self, image: Image.Image) -> Image.Image:
        """The depth map, of the picture's size: white is nearest, black farthest, RGB."""
        inputs = self._processor(images=[image.convert("RGB")], return_tensors="pt")
        depth = self._model(**inputs).predicted_depth.float()
        near = 1 / depth.clamp(min=1e-3) if self._metric else depth
        size = (image.height, image.width)
        near = torch.nn.functional.interpolate(
            near.reshape(1, 1, *near.shape[-2:]), size, mode="bicubic", align_corners=False
        )[0, 0]
        span = (near.max() - near.min()).clamp(min=1e-6)
        levels = ((near - near.min()) / span * 255).round().clamp(0, 255)
        return Image.fromarray(levels.numpy().astype(np.uint8)).convert("RGB")
