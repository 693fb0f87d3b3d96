"""What quantization saves, and where it can."""

from dataclasses import replace

import pytest

from engine.memory.device import DeviceFacts
from engine.memory.plan import Quantization, Residence
from engine.memory.quantization import (
    best_methods,
    matmul_methods,
    nearest_residence,
    weight_bytes,
    why_unsupported,
)
from tests.engine.memory.models import MODELS

CARD = DeviceFacts.imagined(24 * 10**9)
NF4, FLOAT8, LAYERWISE = Quantization.NF4, Quantization.FLOAT8, Quantization.LAYERWISE
SD_UNET = MODELS["sd"][1]
FLUX = MODELS["flux"][2]


def test_a_transformer_shrinks_nearly_whole() -> None:
    full = weight_bytes(FLUX, "bfloat16", None)
    assert full == 2 * FLUX.parameters
    assert weight_bytes(FLUX, "bfloat16", FLOAT8) / full == pytest.approx(0.52, abs=0.01)
    assert weight_bytes(FLUX, "bfloat16", NF4) / full == pytest.approx(0.31, abs=0.01)


def test_convolutions_shrink_only_by_layerwise_casting() -> None:
    full = weight_bytes(SD_UNET, "bfloat16", None)
    assert weight_bytes(SD_UNET, "bfloat16", NF4) > 0.75 * full
    assert weight_bytes(SD_UNET, "bfloat16", LAYERWISE) < 0.55 * full


def test_of_t5_the_feed_forward_layers_are_neither_halved_nor_quantized() -> None:
    """Transformers keeps them in float32 beside float16, and in half precision beside bfloat16."""
    t5 = MODELS["flux"][1]
    kept = 24 * 4096 * 10240
    assert weight_bytes(t5, "bfloat16", None) == 2 * t5.parameters
    assert weight_bytes(t5, "float16", None) == 2 * t5.parameters + 2 * kept
    assert weight_bytes(t5, "float16", NF4) > 4 * kept
    assert weight_bytes(t5, "bfloat16", NF4) > 2 * kept


def test_weights_quantized_in_the_file_are_loaded_as_stored() -> None:
    stored = replace(FLUX, stored_as=Quantization.GGUF, stored_bytes=7 * 10**9)
    assert (
        weight_bytes(stored, "bfloat16", None) == weight_bytes(stored, "float32", NF4) == 7 * 10**9
    )


def test_a_device_refuses_in_words() -> None:
    assert why_unsupported(FLOAT8, CARD) is None
    older = replace(CARD, compute_capability=(8, 6))
    assert why_unsupported(FLOAT8, older) == (
        "float8 needs a card with compute capability 8.9, but this one has 8.6"
    )
    cpu = replace(CARD, kind="cpu", compute_capability=None)
    assert why_unsupported(NF4, cpu) == "nf4 needs CUDA, not cpu"
    bare = replace(CARD, quantizations=frozenset({LAYERWISE}))
    assert why_unsupported(NF4, bare) == (
        "nf4 needs bitsandbytes, which isn't installed (run pip install 'atelier[bitsandbytes]')"
    )


def test_of_the_ways_with_as_many_bits_the_fastest_is_tried() -> None:
    assert set(best_methods(CARD)) == {FLOAT8, NF4}
    older = replace(CARD, compute_capability=(7, 5))
    assert set(best_methods(older)) == {LAYERWISE, NF4}
    assert best_methods(replace(older, quantizations=frozenset())) == []


def test_what_multiplies_in_fewer_bits_is_only_for_those_who_want_speed() -> None:
    matmul = {Quantization.FLOAT8_MATMUL, Quantization.INT8_MATMUL}
    assert matmul_methods(CARD) == [Quantization.FLOAT8_MATMUL]
    older = replace(CARD, compute_capability=(8, 6))
    assert matmul_methods(older) == [Quantization.INT8_MATMUL]
    assert matmul_methods(replace(CARD, compute_capability=(7, 5))) == []
    assert not matmul & {*best_methods(CARD), *best_methods(older)}


def test_weights_that_cannot_stream_visit_or_stay() -> None:
    assert nearest_residence(Residence.STREAMED, None) is Residence.STREAMED
    assert nearest_residence(Residence.STREAMED, LAYERWISE) is Residence.STREAMED
    assert nearest_residence(Residence.STREAMED, NF4) is Residence.OFFLOADED
    assert nearest_residence(Residence.OFFLOADED, Quantization.BNB8) is Residence.RESIDENT
