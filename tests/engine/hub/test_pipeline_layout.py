"""Which files of a pipeline are taken, where there is more than one choice."""

import re

import pytest

from engine.errors import ModelUnavailable
from engine.hub.pipeline_layout import layout_of

INDEX = {
    "_class_name": "FluxPipeline",
    "safety_checker": [None, None],
    "requires_safety_checker": False,
    "transformer": ["diffusers", "FluxTransformer2DModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
}
SIDE = ["transformer/config.json", "tokenizer/vocab.json"]
WHOLE = "transformer/diffusion_pytorch_model.safetensors"
HALF = "transformer/diffusion_pytorch_model.fp16.safetensors"
SHARDS = [f"transformer/diffusion_pytorch_model-0000{i}-of-00002.safetensors" for i in (1, 2)]
MAP = "transformer/diffusion_pytorch_model.safetensors.index.json"
PICKLE = "transformer/diffusion_pytorch_model.bin"


@pytest.mark.parametrize(
    ("there", "variant", "taken"),
    [
        ([WHOLE, HALF, PICKLE], None, [WHOLE]),
        ([WHOLE, HALF], "fp16", [HALF]),
        ([*SHARDS, MAP], None, [MAP, *SHARDS]),
        ([WHOLE, *SHARDS, MAP], None, [WHOLE]),
        ([*SHARDS, MAP, HALF], "fp16", [HALF]),
    ],
)
def test_the_weights_of_one_kind_are_taken(
    there: list[str], variant: str | None, taken: list[str]
) -> None:
    layout = layout_of(INDEX, [*SIDE, *there], variant=variant)
    assert layout.lacks == ()
    assert sorted(layout.files) == sorted(["model_index.json", *SIDE, *taken])


@pytest.mark.parametrize(
    ("there", "variant", "lack"),
    [
        ([HALF], None, r"the \.safetensors weights of transformer"),
        ([PICKLE], None, r"the \.safetensors weights of transformer \(only other \.bin"),
        ([WHOLE], "fp16", "weights for the variant “fp16”"),
        (SHARDS[:1], None, "1 of the 2 weight files of transformer"),
        (SHARDS, None, "the weight index of transformer"),
    ],
)
def test_what_lacks_is_named(there: list[str], variant: str | None, lack: str) -> None:
    layout = layout_of(INDEX, [*SIDE, *there], variant=variant)
    assert any(re.match(lack, one) for one in layout.lacks), layout.lacks


def test_a_component_without_a_folder_lacks() -> None:
    assert layout_of(INDEX, [WHOLE, SIDE[0]]).lacks == ("the folder tokenizer",)


def test_weights_without_a_configuration_lack_it() -> None:
    assert layout_of(INDEX, [WHOLE, SIDE[1]]).lacks == ("transformer/config.json",)


def test_an_own_denoiser_that_is_not_wanted_is_left_out_but_its_configuration() -> None:
    layout = layout_of(INDEX, [*SIDE, WHOLE], own_denoiser=False)
    assert WHOLE not in layout.files
    assert layout.lacks == ()
    assert layout_of(INDEX, SIDE, own_denoiser=False).lacks == ()


def test_an_index_of_something_else_is_refused() -> None:
    with pytest.raises(ModelUnavailable, match="doesn't name a pipeline"):
        layout_of({"architectures": []}, [])


@pytest.mark.parametrize(
    "index",
    [
        INDEX | {"_class_name": ["pipeline", "MyPipeline"]},
        INDEX | {"transformer": ["my_code", "MyTransformer"]},
        INDEX | {"transformer": ["os", "system"]},
        INDEX | {"transformer": ["../evil", "MyTransformer"]},
        INDEX | {"transformer": ["diffusers_modules.local.x", "MyTransformer"]},
        INDEX | {"transformer": [7, "MyTransformer"]},
    ],
)
def test_code_of_a_repository_is_refused(index: dict[str, object]) -> None:
    with pytest.raises(ModelUnavailable, match="Code from repositories is never run"):
        layout_of(index, [*SIDE, WHOLE])


def test_components_of_diffusers_own_pipelines_are_no_strangers_code() -> None:
    index = INDEX | {"safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"]}
    names = [*SIDE, WHOLE, "safety_checker/config.json", "safety_checker/model.safetensors"]
    assert layout_of(index, names).lacks == ()
