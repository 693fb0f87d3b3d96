"""This machine's devices: an executor for each, with settings and measurements of its own."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from engine.devices.attached_device import AttachedDevice
from engine.devices.blame import BlameFile
from engine.devices.device_host import DeviceHost
from engine.devices.executor_setup import ExecutorSetup
from engine.memory.measurement import Measurement
from engine.memory.precision import Overflow
from engine.memory.profiles import ProfileStore


def local_devices(
    setup: ExecutorSetup,
    make_host: Callable[[ExecutorSetup], DeviceHost],
    folder: Path,
    measurements: Sequence[Measurement],
    overflows: Sequence[Overflow],
) -> list[AttachedDevice]:
    """The devices of the settings, in their order; at least one.

    Args:
        setup: What their executors share.
        make_host: Makes that in which an executor runs.
        folder: The data folder, where each records what it's busy with.
        measurements: What was measured before, on any device.
        overflows: What overflowed before, on any device.
    """
    return [
        _device(name, number, setup, make_host, folder, ProfileStore(measurements, overflows))
        for number, name in enumerate(setup.settings.devices)
    ]


def _device(
    name: str,
    number: int,
    setup: ExecutorSetup,
    make_host: Callable[[ExecutorSetup], DeviceHost],
    folder: Path,
    profiles: ProfileStore,
) -> AttachedDevice:
    blame = BlameFile.numbered(folder, number)
    setup = replace(setup, settings=setup.settings.on(name), profiles=profiles, blame=blame)
    return AttachedDevice(
        name=name,
        host=make_host(setup),
        batch_size=setup.settings.batch_size,
        profiles=profiles,
        local=True,
        blame=blame,
    )
