"""Upscalers: networks of many kinds that enlarge a picture, read by spandrel."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from types import ModuleType
from typing import Any, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch.nn.functional import interpolate

from engine.diffusion.build_lock import BUILD_LOCK
from engine.errors import ModelUnavailable
from speech import say

ERRORS = (OSError, ValueError, RuntimeError, KeyError, EOFError, SafetensorError)
"""What reading and recognizing a file raises that isn't what it should be."""

MISSING = "torchvision", "torchvision.transforms", "torchvision.transforms.functional"


class Upscaler:
    """Enlarges pictures by any whole factor."""

    def __init__(self, network: Any) -> None:
        """Take a network of spandrel's, an `ImageModelDescriptor`."""
        self._network = network
        self.scale: int = network.scale

    @classmethod
    def load(cls, file: Path) -> Self:
        """Load a file into RAM. Nothing in it can run code: pickles are read as weights alone.

        Raises:
            ModelUnavailable: spandrel isn't installed; or it can't read the file, or the network
                in it doesn't enlarge coloured pictures.
        """
        spandrel = _spandrel()
        try:
            if file.suffix.lower() == ".safetensors":
                weights = load_file(file)
            else:
                weights = torch.load(file, map_location="cpu", weights_only=True)
            with BUILD_LOCK:
                network = spandrel.ModelLoader().load_from_state_dict(weights)
        except UnpicklingError as error:
            raise ModelUnavailable(
                say("{file} holds more than weights, so it isn't loaded.", file=file.name)
            ) from error
        except (*ERRORS, spandrel.UnsupportedModelError) as error:
            reason = str(error).split("\n", 1)[0].rstrip(".") or type(error).__name__
            raise ModelUnavailable(
                say(
                    "The upscaler {file} couldn't be loaded: {reason}.",
                    file=file.name,
                    reason=reason,
                )
            ) from error
        channels = getattr(network, "input_channels", 0), getattr(network, "output_channels", 0)
        if not isinstance(network, spandrel.ImageModelDescriptor) or channels != (3, 3):
            raise ModelUnavailable(
                say("{file} isn't a network for coloured pictures.", file=file.name)
            )
        if network.scale < 2:
            raise ModelUnavailable(
                say("{file} doesn't enlarge pictures, it only repairs them.", file=file.name)
            )
        return cls(network.eval())

    def move(self, device: torch.device) -> None:
        """Move it to a device, in half precision where both allow that."""
        dtype = torch.float32
        if device.type != "cpu":
            if self._network.supports_half:
                dtype = torch.float16
            elif self._network.supports_bfloat16:
                dtype = torch.bfloat16
        self._network.to(device, dtype)

    @torch.inference_mode()
    def enlarge(self, pixels: torch.Tensor, factor: int) -> torch.Tensor:
        """A picture `factor` times as large.

        The network works as often as it takes to reach the factor; what it does beyond is scaled
        down.

        Args:
            pixels: RGB, channels × height × width, 0 to 1.
            factor: How many times as wide and high it becomes.

        Returns:
            float32 on the CPU, in the same order.
        """
        batch = pixels[None].to(self._network.device, self._network.dtype)
        height, width = pixels.shape[-2] * factor, pixels.shape[-1] * factor
        while batch.shape[-1] < width:
            batch = self._network(batch)
        batch = batch.float()
        if batch.shape[-2:] != (height, width):
            batch = interpolate(batch, (height, width), mode="bicubic", antialias=True)
        return batch[0].clamp(0, 1).cpu()


def _spandrel() -> Any:
    """The library. Raises `ModelUnavailable` when it isn't installed."""
    try:
        with BUILD_LOCK, _without_torchvision():
            import spandrel
    except ImportError as error:
        raise ModelUnavailable(
            say(
                "Upscalers need the package spandrel, which isn't installed. The bot's owner can "
                "install it: pip install spandrel."
            )
        ) from error
    return spandrel


@contextmanager
def _without_torchvision() -> Iterator[None]:
    """Let spandrel be imported without torchvision.

    Only two of its kinds of networks use two functions of it, for other work than enlarging (LaMa
    and RestoreFormer), but all kinds are imported at once; and for some builds of torch there is
    no torchvision. In its place stands an empty module meanwhile.
    """
    if "spandrel" in sys.modules or importlib.util.find_spec("torchvision") is not None:
        yield
        return
    empty: dict[str, Any] = {name: ModuleType(name) for name in MISSING}
    functional = empty[MISSING[-1]]
    for name in ("InterpolationMode", "rotate", "normalize"):
        setattr(functional, name, None)
    sys.modules.update(empty)
    try:
        yield
    finally:
        for name in MISSING:
            sys.modules.pop(name, None)
