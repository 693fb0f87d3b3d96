"""The manual's table of checkpoint files says what happens to them."""

from pathlib import Path

import pytest

from engine.errors import ModelUnavailable
from engine.hub import origin
from engine.models.inspection import inspect
from tests.engine.hub.weights import SD1, SD2, SDXL, UNET, Shapes, save
from tests.pages import Page, rows

FIRST = UNET + "input_blocks.0.0.weight"
ALONE: Shapes = {name.removeprefix(UNET): SD1[name] for name in SD1 if name.startswith(UNET)}

KINDS: dict[str, list[Shapes]] = {
    "Stable Diffusion 1.x, 2.x or XL checkpoint": [
        SD1,
        SD2,
        SDXL,
        {name.removeprefix("model."): shape for name, shape in SD1.items()},
        {name.replace("text_model.", ""): shape for name, shape in SD1.items()},
    ],
    "Inpainting checkpoint, 9 channels": [{**SD1, FIRST: (320, 9, 3, 3)}],
    "V-prediction checkpoint": [{**SDXL, "v_pred": (0,), "ztsnr": (0,)}],
    "Scaled FP8 (ComfyUI)": [{**SDXL, FIRST.replace("weight", "scale_weight"): (1,)}],
    "UNet of a checkpoint": [ALONE, {**ALONE, "input_blocks.0.0.weight": (320, 9, 3, 3)}],
    "FLUX.1 in one file": [{UNET + "double_blocks.0.img_attn.qkv.weight": (96, 32)}],
    "Depth checkpoint, 5 channels": [{**SD2, FIRST: (320, 5, 3, 3)}],
    "Upscaling checkpoint, 7 channels": [{**SD2, FIRST: (320, 7, 3, 3)}],
    "InstructPix2Pix checkpoint, 8 channels": [{**SD1, FIRST: (320, 8, 3, 3)}],
    "CosXL (EDM)": [{**SDXL, "edm_vpred.sigma_max": (1,)}],
    "bitsandbytes, NVFP4, GPTQ or SVDQuant in one file": [
        {**SDXL, FIRST + end: (1,)} for end in (".absmax", ".weight_scale_2", ".qweight")
    ],
    "VAE, ControlNet, upscaler, LoRA or embedding": [
        {"decoder.conv_in.weight": (4, 4)},
        {"control_model.a": (4,)},
        {"model.1.sub.0.a": (4,)},
        {"lora_unet_a.lora_up.weight": (4,)},
        {"emb_params": (4, 4)},
    ],
}
"""By the words of the table, files of that kind by the shapes of their tensors."""

READ, AS_DENOISER, REFUSED = "✓", "as the denoiser", "refused"


def test_the_table_lists_every_kind() -> None:
    listed = [row[0] for row in rows(Page(Path("docs/models.md")).section("Checkpoint files"))]
    assert listed == list(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_says_what_happens(kind: str, tiny_model: Path, tmp_path: Path) -> None:
    table = rows(Page(Path("docs/models.md")).section("Checkpoint files"))
    [said] = [row[1] for row in table if row[0] == kind]
    for number, shapes in enumerate(KINDS[kind]):
        file = save(tmp_path / f"{number}.safetensors", shapes)
        if said == READ:
            assert inspect(origin(str(file))).unused == ()
            continue
        with pytest.raises(ModelUnavailable):
            inspect(origin(str(file)))
        if said == AS_DENOISER:
            assert inspect(origin(str(tiny_model), denoiser=str(file))).unused == ()
        else:
            assert said == REFUSED
