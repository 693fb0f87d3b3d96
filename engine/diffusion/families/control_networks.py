"""The control networks of a loaded pipeline: components like its own, while samples need them."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

from engine.devices.executor_setup import FindNetwork
from engine.diffusion.families.base import Sample
from engine.diffusion.families.control_loading import load_control
from engine.diffusion.offload import OffloadedComponents
from engine.diffusion.offload.weights import facts_of
from engine.errors import ModelUnavailable
from engine.jobs.control import Control
from engine.memory.components import Component, Role
from engine.models.controls import ControlCatalogue, ControlNetwork
from speech import say

KEPT = 2
"""Networks that stay in RAM without a sample that needs them; each takes 0.7 to 7 GB."""


@dataclass(eq=False, kw_only=True)
class LoadedControl:
    """A control network whose weights are in RAM.

    Attributes:
        network: Its entry in the settings.
        module: The Diffusers model.
        facts: What the memory plan knows of it.
        users: The samples that it controls.
    """

    network: ControlNetwork
    module: Any
    facts: Component
    users: WeakSet[Sample] = field(default_factory=WeakSet)


class ControlNetworks:
    """Loads the networks of one family when they are first used.

    One that no sample needs isn't part of the memory plan, and leaves RAM when others come.
    """

    def __init__(
        self,
        components: OffloadedComponents,
        family: str,
        catalogue: ControlCatalogue,
        find: FindNetwork,
    ) -> None:
        """Prepare to load; nothing is.

        Args:
            components: Those of the pipeline, to which networks are added.
            family: Its family.
            catalogue: The networks of the settings.
            find: Finds their files.
        """
        self._components = components
        self._family = family
        self._catalogue = catalogue
        self._find = find
        self._loaded: OrderedDict[str, LoadedControl] = OrderedDict()

    def __getitem__(self, name: str) -> LoadedControl:
        """A network that `ensure` has loaded."""
        return self._loaded[name]

    def ensure(self, control: Control | None, denoiser: Any) -> None:
        """Have the network of a recipe among the components, and no others than samples need.

        Args:
            control: The recipe's.
            denoiser: What it controls, in whose precision it computes.

        Raises:
            InvalidRequest: It is no longer configured.
            ModelUnavailable: It can't be loaded, or is for another family.
        """
        needed = {name for name, loaded in self._loaded.items() if loaded.users}
        if control is not None:
            self._load(control.network, denoiser)
            needed.add(control.network)
        for name, loaded in self._loaded.items():
            if name in needed:
                self._components.add(loaded.facts, loaded.module)
            else:
                self._components.remove(loaded.facts.name)
        spare = [name for name in self._loaded if name not in needed]
        for name in spare[: max(0, len(self._loaded) - KEPT)]:
            del self._loaded[name]

    def _load(self, name: str, denoiser: Any) -> None:
        network = self._catalogue[name]
        if network.family != self._family:
            raise ModelUnavailable(
                say("The control network “{name}” is for other models.", name=network.name)
            )
        if name not in self._loaded:
            module = load_control(network, self._find(network), denoiser.dtype)
            facts = facts_of(f"controlnet.{name}", Role.CONTROL, module)
            self._loaded[name] = LoadedControl(network=network, module=module, facts=facts)
        self._loaded.move_to_end(name)
