"""Working memory, held against what others have measured."""

from dataclasses import replace

import pytest

from engine.memory.activations import (
    decode_bytes,
    encode_bytes,
    prompt_bytes,
    size_at,
    step_bytes,
    tokens,
)
from engine.memory.placement import working_bytes
from engine.memory.plan import MemoryOptions, Stage
from engine.memory.planner import choose
from engine.models.families import FAMILIES
from engine.models.known_components import FAMILY_COMPONENTS
from tests.engine.memory.models import MODELS, SAFETY, plan_request

MIB = 2**20


@pytest.mark.parametrize(("dtype", "measured"), [("float16", 3980), ("float32", 7700)])
def test_stable_diffusion_needs_what_a_published_guide_measured(dtype: str, measured: int) -> None:
    """With the safety checker that the pipeline brings; decoding is the peak."""
    plan = choose(
        plan_request(
            "sd", 24, memory_options=MemoryOptions(dtype=dtype), components=(*MODELS["sd"], SAFETY)
        )
    ).plan
    assert plan.peak_bytes == plan.peaks[Stage.DECODE]
    assert plan.peak_bytes / MIB == pytest.approx(measured, rel=0.07)


def test_decoding_takes_the_familys_factor() -> None:
    plain = decode_bytes(FAMILIES["flux"], 1024, 1024, 2)
    assert plain == pytest.approx(1024 * 1024 * 2 * 2200, rel=0.02)
    qwen = decode_bytes(FAMILIES["qwen-image"], 1024, 1024, 2)
    assert qwen == pytest.approx(1024 * 1024 * 2 * 2900, rel=0.02)
    assert encode_bytes(FAMILIES["flux"], 1024, 1024, 2) == plain // 2


def test_tiles_take_one_tile_whatever_the_size_of_the_picture() -> None:
    small, large = (
        decode_bytes(FAMILIES["sdxl"], side, side, 2, tile_side=512) for side in (1024, 2048)
    )
    tile = decode_bytes(FAMILIES["sdxl"], 512, 512, 2)
    assert tile < small < 1.05 * tile
    assert large < 1.1 * small
    assert decode_bytes(FAMILIES["sd"], 512, 512, 2, tile_side=512) == decode_bytes(
        FAMILIES["sd"], 512, 512, 2
    ), "a picture no larger than a tile is decoded whole"


def test_a_step_is_linear_in_tokens_and_rows() -> None:
    family = FAMILIES["sdxl"]
    one = step_bytes(family, 1024, 1024, 1, False, 2)
    assert tokens(family, 1024, 1024) == 128 * 128
    assert step_bytes(family, 1024, 1024, 1, True, 2) > 1.7 * one
    assert step_bytes(family, 1024, 1024, 4, False, 2) > 3 * one
    assert step_bytes(family, 2048, 1024, 1, False, 2) < 2 * one


def test_a_family_that_reads_guidance_as_a_number_has_one_row() -> None:
    flux = FAMILIES["flux"]
    assert tokens(flux, 1024, 1024) == 64 * 64 + 512
    assert step_bytes(flux, 1024, 1024, 1, True, 2) == step_bytes(flux, 1024, 1024, 1, False, 2)


def test_what_a_control_network_of_z_image_says_is_more_than_the_step_itself() -> None:
    """A tensor for each of fifteen layers, held twice while the last one is added."""
    request = plan_request("z-image", 24)
    plain, along = (
        working_bytes(replace(request, controlled=controlled), tile_side=0, batch=1)
        for controlled in (False, True)
    )
    assert along[Stage.STEP] > 2.9 * plain[Stage.STEP]


def test_a_reference_is_a_megapixel_of_tokens_and_some_for_the_text_encoder() -> None:
    kontext = FAMILIES["flux-kontext"]
    assert size_at(Stage.STEP, 1024, 768, 0, False) == (1024, 768)
    beside_two = size_at(Stage.STEP, 1024, 1024, 2, False)
    assert tokens(kontext, *beside_two) == 3 * 64 * 64 + 512
    [encoder, *_] = FAMILY_COMPONENTS["qwen-image-2.1"]
    seen = FAMILIES["qwen-image-2.1"].reference_tokens
    assert prompt_bytes(encoder, 2, seen) > 2.5 * prompt_bytes(encoder, 2)
    plain, beside = (
        working_bytes(
            replace(
                plan_request("qwen-image-2.1", components=FAMILY_COMPONENTS["qwen-image-2.1"]),
                references=references,
            ),
            tile_side=0,
            batch=1,
        )
        for references in (0, 1)
    )
    assert beside[Stage.ENCODE] > 2 * plain[Stage.ENCODE]
    assert beside[Stage.STEP] > 1.8 * plain[Stage.STEP]
    assert beside[Stage.DECODE] == plain[Stage.DECODE]
