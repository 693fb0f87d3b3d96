"""Asks this machine's device about itself."""

from engine.memory.device import DeviceFacts, DeviceMemory
from engine.settings import EngineSettings


def device_facts(settings: EngineSettings) -> DeviceFacts:
    """Ask the device that `settings` choose. Takes seconds: torch is imported here.

    Raises:
        DeviceUnavailable: When there is no such device.
    """
    from engine.diffusion import Device

    return Device.choose(settings).facts()


def device_memory(settings: EngineSettings) -> DeviceMemory:
    """How much of its memory is taken now. Quick where torch has been imported.

    Raises:
        DeviceUnavailable: When there is no such device.
    """
    from engine.diffusion import Device

    return Device.choose(settings).memory()
