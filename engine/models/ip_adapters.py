"""The IP-Adapters of the settings."""

from collections.abc import Mapping

from engine.errors import ModelUnavailable
from engine.network_settings import IPAdapterSettings
from speech import say


class IPAdapterCatalogue:
    """One for each family: the first that the settings name."""

    def __init__(self, settings: Mapping[str, IPAdapterSettings] | None = None) -> None:
        """Take those of the settings, by name."""
        self._by_family: dict[str, IPAdapterSettings] = {}
        for one in (settings or {}).values():
            self._by_family.setdefault(one.family, one)

    @property
    def families(self) -> tuple[str, ...]:
        """The families that have one."""
        return tuple(self._by_family)

    def of(self, family: str) -> IPAdapterSettings:
        """The one for a family.

        Raises:
            ModelUnavailable: When there is none, or no longer.
        """
        if (found := self._by_family.get(family)) is None:
            raise ModelUnavailable(
                say("The settings have no IP-Adapter for {family} any more.", family=family)
            )
        return found
