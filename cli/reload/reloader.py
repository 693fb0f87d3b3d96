"""Reads the settings again, and hands out what counts at once."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

from cli.errors import SettingsError
from cli.logs import set_level
from cli.reload.table import ENTRIES, LIVE
from cli.settings import Settings, load_settings, settings_file
from cogs import Atelier
from cogs.reloading import Reloaded
from engine import LiveValues, Studio
from engine.settings import Section

log = logging.getLogger("atelier")


class Reloader:
    """Knows the settings that count, and changes them when the file has changed."""

    def __init__(
        self,
        config: Path | None,
        settings: Settings,
        studio: Studio,
        bot: Atelier,
    ) -> None:
        """Prepare to reload.

        Args:
            config: The settings file, as for `load_settings`. One that is there now has to stay.
            settings: What has been read of it.
            studio: Takes what is the engine's.
            bot: Takes what is Discord's.
        """
        self._config = settings_file(config)
        self._settings = settings
        self._studio = studio
        self._bot = bot
        self._lock = asyncio.Lock()

    async def reload(self) -> Reloaded:
        """Read the file and the environment again. Raises `StorageError`: nothing has changed."""
        async with self._lock:
            try:
                new = await asyncio.to_thread(load_settings, self._config)
            except SettingsError as error:
                log.error("The settings stay as they were: %s", " ".join(error.problems))
                return Reloaded(problems=error.problems)
            return await self._take(new)

    async def _take(self, new: Settings) -> Reloaded:
        before = self._settings
        changed = dict(_changes(before, new))
        wanted = _merged(before, new)
        needed = await self._studio.live_settings.take(live_values(wanted))
        self._bot.use(wanted.discord, wanted.limits)
        set_level(wanted.log.number)
        self._settings = _without(wanted, before, needed)
        reloaded = Reloaded(
            live=tuple(name for name, live in changed.items() if live and name not in needed),
            restart=tuple(name for name, live in changed.items() if not live),
            needed=needed,
        )
        log.info(
            "Settings reloaded. Changed: %s. After a restart: %s. Needed by jobs: %s",
            *(", ".join(names) or "nothing" for names in (reloaded.live, reloaded.restart, needed)),
        )
        return reloaded


def live_values(settings: Settings) -> LiveValues:
    """What the studio takes of the settings while it's open."""
    return LiveValues(
        storage=settings.storage,
        safety=settings.safety,
        engine=settings.engine,
        queue_size=settings.limits.queue_size,
        models=settings.models,
        adapters=settings.adapters,
        upscalers=settings.upscalers,
        background=settings.background,
        training=settings.training,
    )


def _changes(before: Settings, new: Settings) -> Iterator[tuple[str, bool]]:
    """The settings that differ, each with whether it counts at once."""
    for section, old in before:
        live = LIVE.get(section, frozenset())
        for key in _differing(_items(old), _items(getattr(new, section))):
            yield f"{section}.{key}", bool({key, ENTRIES} & live)


def _items(section: Section | Mapping[str, Section]) -> Mapping[str, object]:
    return dict(section) if isinstance(section, Section) else section


def _differing(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    return [key for key in {**old, **new} if old.get(key) != new.get(key)]


def _merged(before: Settings, new: Settings) -> Settings:
    """The settings before, with the new values of those that count at once."""
    sections: dict[str, object] = {}
    for section, keys in LIVE.items():
        old, wanted = getattr(before, section), getattr(new, section)
        values = {key: getattr(wanted, key) for key in keys - {ENTRIES}}
        sections[section] = wanted if ENTRIES in keys else old.model_copy(update=values)
    return before.model_copy(update=sections)


def _without(wanted: Settings, before: Settings, entries: tuple[str, ...]) -> Settings:
    """The wanted settings, but with these entries, such as `models.NAME`, as they were before."""
    sections: dict[str, dict[str, Section]] = {}
    for entry in entries:
        section, _, name = entry.partition(".")
        kept = sections.setdefault(section, dict(getattr(wanted, section)))
        kept[name] = getattr(before, section)[name]
    return wanted.model_copy(update=sections)
