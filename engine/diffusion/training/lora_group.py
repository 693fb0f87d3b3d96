"""The LoRA in all that a training changes: the denoiser, and text encoders if asked for."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from engine.diffusion.training.lora_layers import LoraLayers, encoder_layers, target_layers
from engine.models.families import FAMILIES
from engine.training.request import TrainingRequest

ENCODERS = "encoders"
"""Where a checkpoint has the layers of text encoders, beside those of the denoiser."""


class LoraGroup:
    """The LoRA's factors in a pipeline, the only weights of it that are trained."""

    def __init__(self, pipe: Any, family: str, request: TrainingRequest) -> None:
        """Add them, as large as the request says; at first they change nothing.

        Their first values follow from the request's seed.

        Args:
            pipe: A pipeline whose components are on the CPU.
            family: Its name in `FAMILIES`.
            request: What is to be trained.
        """
        facts = FAMILIES[family]
        self._name = facts.denoiser
        denoiser = getattr(pipe, facts.denoiser)
        torch.manual_seed(request.seed)
        targets = target_layers(denoiser, family, request.convolutions)
        self._denoiser = LoraLayers(denoiser, targets, request)
        self._encoders: dict[str, LoraLayers] = {}
        self._modules: list[Any] = []
        for name in trained_encoders(family, request):
            encoder = getattr(pipe, name)
            self._encoders[name] = LoraLayers(encoder, encoder_layers(encoder), request)
            self._modules.append(encoder)

    @property
    def _all(self) -> tuple[LoraLayers, ...]:
        return (self._denoiser, *self._encoders.values())

    @property
    def denoiser_parameters(self) -> list[nn.Parameter]:
        """Its weights in the denoiser, float32."""
        return self._denoiser.parameters

    @property
    def encoder_parameters(self) -> list[nn.Parameter]:
        """Its weights in text encoders, float32."""
        return [weight for layers in self._encoders.values() for weight in layers.parameters]

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All of its weights."""
        return [*self.denoiser_parameters, *self.encoder_parameters]

    def to(self, device: torch.device) -> None:
        """Move text encoders, which stay as long as it trains, and averages to the device."""
        for encoder in self._modules:
            encoder.to(device)
        for layers in self._all:
            layers.to(device)

    def average(self) -> None:
        """Take the weights as they are after a step into the averages."""
        for layers in self._all:
            layers.average()

    @contextmanager
    def disabled(self) -> Iterator[None]:
        """Have the denoiser compute as it did without it."""
        with self._denoiser.disabled():
            yield

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Have the averages in place of the weights, if there are some."""
        with ExitStack() as stack:
            for layers in self._all:
                stack.enter_context(layers.averaged())
            yield

    def factors(self) -> dict[str, dict[str, torch.Tensor]]:
        """A copy of its weights in RAM, by component and PEFT's names for them."""
        found = {self._name: self._denoiser.factors()}
        return found | {name: layers.factors() for name, layers in self._encoders.items()}

    def state(self) -> dict[str, Any]:
        """What `restore` takes, for a checkpoint."""
        encoders = {name: layers.state() for name, layers in self._encoders.items()}
        return self._denoiser.state() | ({ENCODERS: encoders} if encoders else {})

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        self._denoiser.restore(state)
        for name, layers in self._encoders.items():
            layers.restore(state[ENCODERS][name])


def trained_encoders(family: str, request: TrainingRequest) -> tuple[str, ...]:
    """Names of the text encoders that are trained."""
    return FAMILIES[family].text_encoders if request.text_encoder else ()
