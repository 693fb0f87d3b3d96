"""Quantizing on the device, without a device: which weights are there at the same time."""

from pathlib import Path
from typing import Any

import diffusers
import pytest
import transformers
from torch import nn

from engine.diffusion import quantization
from engine.diffusion.pipelines import build_pipeline
from engine.hub import LocalFiles
from engine.memory.plan import ComponentPlacement, Plan, Quantization, Residence
from engine.models.inspection import inspect
from engine.models.origins import origin_of
from tests.engine.builders import model
from tests.tiny.flux import flux


def test_what_is_quantized_on_the_device_leaves_it_before_the_next_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    def loads(kind: Any) -> None:
        load = kind.from_pretrained.__func__

        def from_pretrained(cls: Any, *about: Any, **options: Any) -> Any:
            if options.pop("quantization_config", None) is not None:
                events.append(f"{cls.__name__} comes")
            return load(cls, *about, **options)

        monkeypatch.setattr(kind, "from_pretrained", classmethod(from_pretrained))

    def leaves(module: nn.Module, place: object) -> nn.Module:
        events.append(f"{type(module).__name__} leaves")
        return module

    factories = {Quantization.NF4: lambda library, dtype: object()}
    monkeypatch.setattr(quantization, "CONFIG_FACTORIES", factories)
    for kind in (diffusers.FluxTransformer2DModel, transformers.T5EncoderModel):
        loads(kind)
        monkeypatch.setattr(kind, "to", leaves)
    folder = flux(tmp_path)
    entry = model(folder, scheduler="default")
    origin = origin_of(entry, allow_pickle=False)
    nf4 = ComponentPlacement(
        residence=Residence.OFFLOADED,
        weight_bytes=1,
        resident_bytes=1,
        quantization=Quantization.NF4,
    )
    plan = Plan(dtype="float32", places={"text_encoder_2": nf4, "transformer": nf4})
    pipe = build_pipeline(
        entry, LocalFiles(folder=folder), inspect(origin), plan, allow_pickle=False
    )
    assert isinstance(pipe, diffusers.FluxPipeline)
    assert events == [
        "T5EncoderModel comes",
        "T5EncoderModel leaves",
        "FluxTransformer2DModel comes",
        "FluxTransformer2DModel leaves",
    ]
