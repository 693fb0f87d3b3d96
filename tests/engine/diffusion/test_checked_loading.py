"""What is loaded has all of its weights from its files, and what isn't used of them is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderTiny, ControlNetModel
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionModelWithProjection

from engine.diffusion.build_lock import BUILD_LOCK
from engine.diffusion.checked_loading import load_checked
from engine.errors import ModelUnavailable
from tests.engine.diffusion.test_tiny_decoder import tiny_autoencoder
from tests.tiny.ip_adapter import image_encoder


def tiny_control(folder: Path) -> Path:
    """A control network with random weights."""
    ControlNetModel(
        block_out_channels=(8, 8),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        norm_num_groups=4,
        layers_per_block=1,
        cross_attention_dim=8,
        attention_head_dim=2,
        conditioning_embedding_out_channels=(4, 4, 4, 4),
    ).save_pretrained(folder)
    return folder


KINDS = (
    pytest.param(
        CLIPVisionModelWithProjection, image_encoder, "visual_projection.weight", id="image encoder"
    ),
    pytest.param(
        AutoencoderTiny, tiny_autoencoder, "decoder.layers.0.weight", id="preview decoder"
    ),
    pytest.param(
        ControlNetModel, tiny_control, "controlnet_mid_block.weight", id="control network"
    ),
)

each_kind = pytest.mark.parametrize(("kind", "save", "part"), KINDS)


def failed(reason: str) -> ModelUnavailable:
    return ModelUnavailable(f"It couldn't be loaded: {reason}.")


def change(folder: Path, **tensors: torch.Tensor | None) -> None:
    """Add tensors to the file in the folder, or take those out of it that are `None`."""
    [file] = folder.glob("*.safetensors")
    changed = {name: each for name, each in (load_file(file) | tensors).items() if each is not None}
    save_file(changed, file, {"format": "pt"})


@each_kind
def test_weights_that_are_not_in_the_file_are_not_made_up(
    tmp_path: Path, kind: Any, save: Callable[[Path], Path], part: str
) -> None:
    change(save(tmp_path), **{part: None})
    with pytest.raises(ModelUnavailable, match=f"its weights are missing {part}"):
        load_checked(kind, tmp_path, failed)


@each_kind
def test_weights_that_are_not_used_are_named_in_the_log(
    tmp_path: Path,
    kind: Any,
    save: Callable[[Path], Path],
    part: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    change(save(tmp_path), **{"other.weight": torch.ones(2)})
    module = load_checked(kind, tmp_path, failed)
    assert f"Not used of {tmp_path}: other (1)" in caplog.text
    assert not any(each.requires_grad for each in module.parameters())


def test_a_module_is_not_built_beside_another_which_patches_all_of_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = []
    load = AutoencoderTiny.from_pretrained

    def watched(*args: Any, **options: Any) -> Any:
        locked.append(BUILD_LOCK.locked())
        return load(*args, **options)

    monkeypatch.setattr(AutoencoderTiny, "from_pretrained", watched)
    load_checked(AutoencoderTiny, tiny_autoencoder(tmp_path), failed)
    assert locked == [True]


def test_running_out_of_memory_is_not_taken_for_a_broken_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **options: Any) -> Any:
        raise RuntimeError("DefaultCPUAllocator: not enough memory")

    monkeypatch.setattr(AutoencoderTiny, "from_pretrained", full)
    with pytest.raises(RuntimeError, match="not enough memory"):
        load_checked(AutoencoderTiny, tmp_path, failed)
