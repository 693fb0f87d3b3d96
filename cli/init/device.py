"""What `init` finds to paint on."""

import typer

from cli.check import device_findings
from cli.console import err, out
from cli.findings import Mark, show
from cli.init.answers import Answers
from cli.init.reading import read_device
from engine import EngineSettings, human_size
from engine.hub.downloads import free_bytes


def choose_device(given: Answers) -> str:
    """Show the devices with their memory, RAM and disk; the setting, with commas between several.

    Where torch can't use a card that is there, it says why and what to type, and whoever is there
    is asked whether to go on.

    Raises:
        DeviceUnavailable: The device that is given isn't here.
        typer.Abort: The owner wants to install another torch first, or on Ctrl-C.
    """
    with err.status("Looking at your machine"):  # importing torch takes seconds
        from engine.diffusion import Device

        settings = EngineSettings(device=given.device or "auto")
        Device.choose(settings)
        findings = list(device_findings(settings))
        several = _several()
    for finding in findings:
        show(finding)
    out.print(f"✓ disk      {human_size(free_bytes())} free for models")
    if any(finding.mark is Mark.NOTE for finding in findings) and given.asks:
        typer.confirm("Go on without that card for now?", default=True, abort=True)
    if not several:
        return given.device or "auto"
    for name, title in several.items():
        out.print(f"  {name:<8}{title}")
    everything = ",".join(several) if given.asks else "auto"
    return given.take(given.device, "Devices to paint on", read_device, everything)


def _several() -> dict[str, str]:
    """The cards that torch can use, by device, if there are several."""
    import torch

    backends = {"cuda": torch.cuda, "xpu": torch.xpu}
    found = {
        f"{kind}:{index}": backend.get_device_properties(index).name
        for kind, backend in backends.items()
        for index in range(backend.device_count())
    }
    return found if len(found) > 1 else {}
