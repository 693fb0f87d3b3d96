"""All settings: environment variables override the TOML file; `DISCORD_TOKEN` overrides both."""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from cli.errors import SettingsError
from cli.log_settings import LogSettings
from cli.problems import path_of, sentence_of, unknown
from cli.toml_lines import line_of
from cli.web.settings import WebSettings
from cli.windows_paths import path_advice, unprintable_paths
from cogs.discord_settings import DiscordSettings, LimitSettings
from engine import (
    AdapterSettings,
    BackgroundSettings,
    Catalogue,
    ClusterSettings,
    ControlSettings,
    DescribeSettings,
    EngineSettings,
    InvalidModel,
    IPAdapterSettings,
    MapSettings,
    Model,
    ModelSettings,
    PromptSettings,
    SafetySettings,
    StorageSettings,
    TrainingSettings,
    UnknownModel,
    UpscalerSettings,
    WorkerSettings,
)
from engine.local_paths import exists, expanded
from engine.models.names import NAME
from engine.settings import BUILT_IN_MODEL, Section

DEFAULT_FILE = Path("config.toml")
PREFIX = "ATELIER_"
TOKEN_VARIABLE = "DISCORD_TOKEN"


def _model_name(name: str) -> str:
    if name == BUILT_IN_MODEL:
        raise ValueError("this name is taken by the built-in model")
    return _name(name)


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError("names have 1 to 50 letters, digits, dots, hyphens or underscores")
    return name


ModelName = Annotated[str, AfterValidator(_model_name)]
AdapterName = Annotated[str, AfterValidator(_name)]
UpscalerName = Annotated[str, AfterValidator(_name)]
ControlName = Annotated[str, AfterValidator(_name)]
IPAdapterName = Annotated[str, AfterValidator(_name)]


class Settings(BaseSettings):
    """All settings by section."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        enable_decoding=False,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    discord: DiscordSettings = DiscordSettings()
    storage: StorageSettings = StorageSettings()
    log: LogSettings = LogSettings()
    limits: LimitSettings = LimitSettings()
    safety: SafetySettings = SafetySettings()
    engine: EngineSettings = EngineSettings()
    models: dict[ModelName, ModelSettings] = {}
    adapters: dict[AdapterName, AdapterSettings] = {}
    upscalers: dict[UpscalerName, UpscalerSettings] = {}
    ip_adapters: dict[IPAdapterName, IPAdapterSettings] = {}
    background: BackgroundSettings = BackgroundSettings()
    describe: DescribeSettings = DescribeSettings()
    prompts: PromptSettings = PromptSettings()
    controls: dict[ControlName, ControlSettings] = {}
    maps: MapSettings = MapSettings()
    training: TrainingSettings = TrainingSettings()
    cluster: ClusterSettings = ClusterSettings()
    worker: WorkerSettings = WorkerSettings()
    web: WebSettings = WebSettings()

    def sections(self) -> Iterator[tuple[str, Section]]:
        """Every section by its name, such as `maps`, or `controls.canny`."""
        for name, value in self:
            if isinstance(value, Section):
                yield name, value
            else:
                yield from ((f"{name}.{key}", section) for key, section in value.items())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources by priority; the file comes in through the constructor."""
        token = os.environ.get(TOKEN_VARIABLE)
        given = {"discord": {"token": token}} if token else {}
        return InitSettingsSource(settings_cls, given), env_settings, init_settings


def settings_file(asked: Path | None) -> Path | None:
    """The settings file: the given one, or `config.toml` if it exists."""
    return asked or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)


def load_settings(asked: Path | None) -> Settings:
    """Read the settings; relative paths in them start at the settings file.

    Args:
        asked: The file to read; `config.toml` if `None`, or the defaults if that doesn't exist.

    Raises:
        SettingsError: With a sentence per problem.
    """
    file = settings_file(asked)
    return settings_from(_read(file) if file else "", file)


def settings_from(text: str, file: Path | None) -> Settings:
    """The settings that a file with this text has, as by `load_settings`."""
    _check_variables()
    given = _parse(file, text)
    if problems := list(unprintable_paths(given)):
        raise SettingsError(*(_where(path, file, text) + problem for path, problem in problems))
    try:
        settings = Settings(**given)
    except ValidationError as error:
        schema = Settings.model_json_schema()
        found = error.errors(include_url=False)
        found.sort(key=lambda details: line_of(text, path_of(details)) or 0)
        raise SettingsError(
            *(_where(path_of(x), file, text) + sentence_of(x, schema) for x in found)
        ) from None
    settings = _absolute(settings, (file or DEFAULT_FILE).resolve().parent)
    _check_models(settings, file, text)
    return settings


def _check_models(settings: Settings, file: Path | None, text: str) -> None:
    """Refuse models with inconsistent values, and an unknown default model."""
    problems = []
    for name, model in settings.models.items():
        try:
            Model.of(name, model)
        except InvalidModel as error:
            where = _where(("models", name), file, text)
            problems.append(f"{where}[models.{name}] isn't valid: {error}")
    if problems:
        raise SettingsError(*problems)
    try:
        Catalogue(settings.models, settings.engine.default_model)
    except UnknownModel as error:
        path = ("engine", "default_model")
        raise SettingsError(f"{_where(path, file, text)}{'.'.join(path)}: {error}") from None


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{file} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file} can't be read. Save it as UTF-8.") from None


def _parse(file: Path | None, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at line (\d+), column \d+\)$", str(error))
        line = place[1] if place else len(text.splitlines())
        what = str(error).partition(" (at ")[0]
        advice = path_advice(text.splitlines()[int(line) - 1]) if text else None
        sentence = f"{file}, line {line}: invalid TOML. {what}."
        raise SettingsError(f"{sentence} {advice}" if advice else sentence) from None
    except (RecursionError, ValueError):
        raise SettingsError(
            f"{file}: invalid TOML. A number is too long, or brackets are nested too deeply."
        ) from None


def _check_variables() -> None:
    """Refuse variables that look like settings but aren't; pydantic ignores them."""
    sections = list(Settings.model_fields)
    short = {f"{section}_{key}".upper(): (section, key) for section, key in _keys()}
    problems = []
    for name in sorted(os.environ):
        rest = name.upper().removeprefix(PREFIX)
        section = rest.partition("__")[0].lower()
        if not name.upper().startswith(PREFIX):
            continue
        if "__" in rest and section not in sections:
            problems.append(f"environment variable {name}: {unknown((section,), sections)}")
        elif rest in short:
            right = _variable(short[rest])
            problems.append(f"environment variable {name}: write it as {right}.")
    if problems:
        raise SettingsError(*problems)


def _keys() -> Iterator[tuple[str, str]]:
    for section, field in Settings.model_fields.items():
        for key in getattr(field.annotation, "model_fields", ()):
            yield section, key


def _variable(path: tuple[str, ...]) -> str:
    return PREFIX + "__".join(path).upper()


def _where(path: tuple[str, ...], file: Path | None, text: str) -> str:
    """Where the value at `path` comes from, as the start of a sentence."""
    names = {name.upper(): name for name, value in os.environ.items() if value}
    if path == ("discord", "token") and TOKEN_VARIABLE in names:
        return f"environment variable {TOKEN_VARIABLE}: "
    if name := names.get(_variable(path)):
        return f"environment variable {name}: "
    if any(name.startswith(_variable(path) + "__") for name in names):
        return f"environment variables {_variable(path)}__…: "
    if line := line_of(text, path):
        return f"{file}, line {line}: "
    return f"environment variables {_variable(path[:-1])}__…: "


def _absolute(settings: Settings, base: Path) -> Settings:
    """The settings with paths that don't depend on the working directory."""

    def anchor(path: str | Path) -> Path:
        return base / expanded(path)

    def local(source: str) -> str:
        return str(anchor(source)) if exists(anchor(source)) else source

    def anchored(section: Section) -> Section:
        sources = section.file_sources.items()
        return section.model_copy(update={key: local(text) for key, text in sources})

    def all_anchored(value: Section | dict[str, Section]) -> Section | dict[str, Section]:
        if isinstance(value, Section):
            return anchored(value)
        return {name: anchored(section) for name, section in value.items()}

    storage = settings.storage.model_copy(update={"path": anchor(settings.storage.path)})
    sections = {name: all_anchored(value) for name, value in settings}
    return settings.model_copy(update=sections | {"storage": storage})
