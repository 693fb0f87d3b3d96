"""Asks this machine's device about itself."""

from engine.memory.device import DeviceFacts
from engine.settings import EngineSettings


def device_facts(settings: EngineSettings) -> DeviceFacts:
    """Ask the device that `settings` choose. Takes seconds: torch is imported here.

    Raises:
        DeviceUnavailable: When there is no such device.
    """
    from engine.diffusion import Device

    return Device.choose(settings).facts()
