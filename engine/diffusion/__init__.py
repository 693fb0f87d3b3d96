"""The only place that imports torch, diffusers, transformers and accelerate.

Importing this package takes seconds; the rest of the engine imports it when it starts to paint.
"""

from collections.abc import Callable

from engine.diffusion import allocator as allocator  # before torch

# isort: split
from engine.diffusion import quiet as quiet  # before everything else

# isort: split
from engine.devices.executor_setup import ExecutorSetup
from engine.devices.messages import (
    CommandQueue,
    ExecutorReport,
    ModelOverflowed,
    StageMeasured,
)
from engine.diffusion.device import GIGABYTE, Device
from engine.diffusion.executor import Executor
from engine.diffusion.loader import ModelLoader
from engine.diffusion.model_cache import ModelCache

__all__ = ["Device", "Executor", "make_executor"]


def make_executor(
    setup: ExecutorSetup, commands: CommandQueue, report: Callable[[ExecutorReport], None]
) -> Executor:
    """An executor for the device of the settings.

    Args:
        setup: What it is made from.
        commands: Where its commands come in.
        report: Called on its thread with everything that happens.

    Raises:
        DeviceUnavailable: The device of the settings isn't there.
    """
    settings = setup.settings
    device = Device.choose(settings)
    loader = ModelLoader(
        setup,
        device,
        lambda measured: report(StageMeasured(measured)),
        lambda overflow: report(ModelOverflowed(overflow)),
    )
    in_ram = settings.models_in_ram_gb
    max_bytes = None if in_ram == "auto" else int(in_ram * GIGABYTE)
    model_cache = ModelCache(device, loader, max_bytes)
    return Executor(
        device,
        model_cache,
        commands,
        report,
        previews=settings.previews,
        blame=setup.blame,
        find_network=setup.find_network,
    )
