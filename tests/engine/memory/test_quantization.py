"""What quantization saves, and where it can."""

from dataclasses import replace

import pytest

from engine.memory.device import DeviceFacts
from engine.memory.plan import Quantization, Residence
from engine.memory.quantization import (
    best_methods,
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
    full = weight_bytes(FLUX, 2, None)
    assert full == 2 * FLUX.parameters
    assert weight_bytes(FLUX, 2, FLOAT8) / full == pytest.approx(0.52, abs=0.01)
    assert weight_bytes(FLUX, 2, NF4) / full == pytest.approx(0.31, abs=0.01)


def test_convolutions_shrink_only_by_layerwise_casting() -> None:
    full = weight_bytes(SD_UNET, 2, None)
    assert weight_bytes(SD_UNET, 2, NF4) > 0.75 * full
    assert weight_bytes(SD_UNET, 2, LAYERWISE) < 0.55 * full


def test_weights_quantized_in_the_file_are_loaded_as_stored() -> None:
    stored = replace(FLUX, stored_as=Quantization.GGUF, stored_bytes=7 * 10**9)
    assert weight_bytes(stored, 2, None) == weight_bytes(stored, 4, NF4) == 7 * 10**9


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


def test_weights_that_cannot_stream_visit_or_stay() -> None:
    assert nearest_residence(Residence.STREAMED, None) is Residence.STREAMED
    assert nearest_residence(Residence.STREAMED, LAYERWISE) is Residence.STREAMED
    assert nearest_residence(Residence.STREAMED, NF4) is Residence.OFFLOADED
    assert nearest_residence(Residence.OFFLOADED, Quantization.BNB8) is Residence.RESIDENT
