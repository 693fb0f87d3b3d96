"""Where settings come from, and what is said when they are wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.errors import SettingsError
from cli.exits import Exit
from cli.settings import load_settings
from cogs.discord_settings import UNLIMITED
from engine import FAMILIES
from tests.cli.conftest import TOKEN, Atelier

Config = Callable[[str], Path]


def problems() -> list[str]:
    with pytest.raises(SettingsError) as error:
        load_settings(None)
    return list(error.value.problems)


def test_without_a_file_the_defaults_hold_and_sketch_is_the_model(workplace: Path) -> None:
    settings = load_settings(None)
    assert settings.engine.default_model == "sketch"
    assert settings.limits.pictures_per_hour == 30
    assert settings.discord.token is None
    assert settings.storage.path == workplace / "data"


def test_the_environment_stands_over_the_file(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    config("[engine]\ndevice = 'cpu'\nbatch_size = 2\n[limits.roles.5]\nwaiting_jobs = 9\n")
    monkeypatch.setenv("ATELIER_ENGINE__BATCH_SIZE", "7")
    monkeypatch.setenv("ATELIER_LIMITS__ROLES__5__PICTURES_PER_HOUR", "unlimited")
    settings = load_settings(None)
    assert settings.engine.device == "cpu"
    assert settings.engine.batch_size == 7
    assert settings.engine.patience == 60
    assert settings.limits.roles[5].waiting_jobs == 9
    assert settings.limits.roles[5].pictures_per_hour == UNLIMITED


def test_a_file_of_an_older_version_may_have_settings_that_are_gone(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    config("[engine]\nvae_slicing = 'auto'\n")
    assert load_settings(None).engine.vae_tiling == "auto"
    monkeypatch.setenv("ATELIER_ENGINE__VAE_SLICING", "off")
    assert load_settings(None).engine.vae_tiling == "auto"


def test_discord_token_stands_over_everything(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def token() -> str | None:
        token = load_settings(None).discord.token
        return token.get_secret_value() if token else None

    config("[discord]\ntoken = 'from the file'")
    assert token() == "from the file"
    monkeypatch.setenv("ATELIER_DISCORD__TOKEN", "from the environment")
    assert token() == "from the environment"
    monkeypatch.setenv("DISCORD_TOKEN", "from on high")
    assert token() == "from on high"
    monkeypatch.setenv("DISCORD_TOKEN", "")
    assert token() == "from the environment"


@pytest.mark.parametrize("given", ['"abc"\n', " abc ", "abc\r\n"])
def test_a_token_comes_without_what_files_and_shells_put_around_it(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", given)
    token = load_settings(None).discord.token
    assert token is not None
    assert token.get_secret_value() == "abc"


def test_lists_and_models_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_DISCORD__ADMIN_ROLES", "12, 34")
    monkeypatch.setenv("ATELIER_MODELS__FOX__SOURCE", "someone/fox")
    settings = load_settings(None)
    assert settings.discord.admin_roles == (12, 34)
    assert settings.models["fox"].source == "someone/fox"


def test_folders_count_from_the_settings_file(workplace: Path) -> None:
    home = workplace / "etc"
    (home / "weights").mkdir(parents=True)
    file = home / "atelier.toml"
    file.write_text("[storage]\npath = 'pots'\n[models.a]\nsource = 'weights'\n")
    settings = load_settings(file)
    assert settings.storage.path == home / "pots"
    assert settings.models["a"].source == str(home / "weights")


def test_files_of_weights_count_from_the_settings_file_too(workplace: Path) -> None:
    home = workplace / "etc"
    home.mkdir()
    for name in ("fox.safetensors", "unet.gguf", "ink.safetensors"):
        (home / name).touch()
    file = home / "atelier.toml"
    file.write_text(
        "[models.a]\nsource = 'fox.safetensors'\ndenoiser = 'unet.gguf'\n"
        "[models.b]\nsource = 'someone/fox'\ndenoiser = 'someone/fox/unet.gguf'\n"
        "[adapters.ink]\nsource = 'ink.safetensors'\n"
    )
    settings = load_settings(file)
    assert settings.models["a"].source == str(home / "fox.safetensors")
    assert settings.models["a"].denoiser == str(home / "unet.gguf")
    assert settings.models["b"].source == "someone/fox"
    assert settings.models["b"].denoiser == "someone/fox/unet.gguf"
    assert settings.adapters["ink"].source == str(home / "ink.safetensors")


def test_memory_can_be_set_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(None).engine.models_in_ram_gb == "auto"
    monkeypatch.setenv("ATELIER_ENGINE__MODELS_IN_RAM_GB", "12.5")
    monkeypatch.setenv("ATELIER_ENGINE__MEMORY_GB", "6")
    monkeypatch.setenv("ATELIER_ENGINE__ALLOW_PICKLE", "true")
    engine = load_settings(None).engine
    assert (engine.models_in_ram_gb, engine.memory_gb, engine.allow_pickle) == (12.5, 6.0, True)


def test_a_file_from_a_windows_editor_is_read(workplace: Path) -> None:
    (workplace / "config.toml").write_bytes(b"\xef\xbb\xbf[engine]\r\nbatch_size = 3\r\n")
    assert load_settings(None).engine.batch_size == 3


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[engine]\nbatch_size = 99",
            "config.toml, line 2: engine.batch_size is 99. Allowed: a whole number from 1 to 32.",
        ),
        (
            "[limits]\n\npictures_per_hour = 0",
            "config.toml, line 3: limits.pictures_per_hour is 0. "
            'Allowed: a whole number from 1 up or "unlimited".',
        ),
        (
            "engine.previews = 'perhaps'",
            'config.toml, line 1: engine.previews is "perhaps". Allowed: true or false.',
        ),
        (
            "[engine]\noffload = 'none'",
            'config.toml, line 2: engine.offload is "none". '
            "Allowed: one of auto, resident, encoders, model, stream, sequential.",
        ),
        (
            "[engine]\nquantize = 'yes'",
            'config.toml, line 2: engine.quantize is "yes". '
            "Allowed: one of never, if_needed, bnb8, nf4, int8, float8, layerwise.",
        ),
        (
            "[engine]\nvae_tiling = true",
            "config.toml, line 2: engine.vae_tiling is true. Allowed: one of auto, on, off.",
        ),
        (
            "[engine]\nreserve_gb = -1",
            "config.toml, line 2: engine.reserve_gb is -1. "
            'Allowed: a number of gigabytes from 0 up or "auto".',
        ),
        (
            "[engine]\nmemory_gb = '8 GB'",
            'config.toml, line 2: engine.memory_gb is "8 GB". Allowed: a number from 0.5 to 1000.',
        ),
        (
            "[engine]\nmodels_in_ram_gb = 'all'",
            'config.toml, line 2: engine.models_in_ram_gb is "all". '
            'Allowed: a number of gigabytes from 0 up or "auto".',
        ),
        (
            "[engine]\nhub_url = 'huggingface.co'",
            'config.toml, line 2: engine.hub_url is "huggingface.co". '
            "Address of the Hub, starting with http:// or https://, without a final slash.",
        ),
        (
            "[models.fox]\nsource = 'a/b'\noffload = 'none'",
            'config.toml, line 3: models.fox.offload is "none". '
            "Allowed: one of auto, resident, encoders, model, stream, sequential.",
        ),
        (
            "[models.fox]\nsource = 'a/b'\nwidth = 'wide'",
            'config.toml, line 3: models.fox.width is "wide". '
            "Allowed: a whole number from 16 to 4096.",
        ),
        (
            "[models.fox]\nsource = 'black-forest-labs/FLUX.1-dev'\nscheduler = 'ddim'",
            "config.toml, line 1: [models.fox] isn't valid: The scheduler “ddim” doesn't work with "
            "this kind of model. Available: default, euler, heun, dpmpp_2m, dpmpp_2m_sde, unipc.",
        ),
        (
            "[models.fox]\nsource = 'a/b'\nwidth = 900\nmax_side = 800",
            "config.toml, line 1: [models.fox] isn't valid: width 900 must be between "
            "min_side 256 and max_side 800, and a multiple of 8.",
        ),
        (
            "[adapters.ink]\nweight = 0.5",
            "config.toml, line 1: [adapters.ink] needs source. "
            "A file, a folder, a Hugging Face Hub ID, optionally with /file at the end, or a "
            "version on Civitai as civitai:NUMBER.",
        ),
        (
            "[adapters.ink]\nsource = 'a/b'\nweight = 9",
            "config.toml, line 3: adapters.ink.weight is 9. Allowed: a number from -4 to 4.",
        ),
        (
            "[adapters.ink]\nsource = 'a/b'\nfamily = 'sd2'",
            'config.toml, line 3: adapters.ink.family is "sd2". '
            f"Allowed: one of {', '.join(FAMILIES)}.",
        ),
        (
            "[adapters.'a b']\nsource = 'a/b'",
            "config.toml, line 1: [adapters.a b] isn't valid: "
            "names have 1 to 50 letters, digits, dots, hyphens or underscores.",
        ),
        (
            "# mine\n[engine]\ndevice = 'gpu'",
            'config.toml, line 3: engine.device is "gpu". '
            "auto uses a GPU if there is one. Or: cpu, cuda (NVIDIA and AMD), cuda:1, xpu (Intel), "
            "mps (Apple). Or a list of several that paint at the same time, such as "
            '["cuda:0", "cuda:1"].',
        ),
        (
            "[engine]\ndevice = ['cuda:0', 'cuda:1', 'cuda:0']",
            'config.toml, line 2: engine.device is ["cuda:0", "cuda:1", "cuda:0"]. '
            "A device can be in the list only once: cuda:0.",
        ),
        (
            "[engine]\ndevice = ['cuda', 'cuda:0']",
            'config.toml, line 2: engine.device is ["cuda", "cuda:0"]. '
            "A device can be in the list only once: cuda and cuda:0.",
        ),
        (
            "[engine]\ndevice = ['mps', 'mps']",
            'config.toml, line 2: engine.device is ["mps", "mps"]. '
            "A device can be in the list only once: mps.",
        ),
        (
            "[engine]\ndevice = ['auto', 'cpu']",
            'config.toml, line 2: engine.device is ["auto", "cpu"]. '
            "“auto” chooses one device, so it can't be in a list.",
        ),
        (
            "[discord]\nsync_guilds = [\n  1,\n  'home',\n]",
            'config.toml, line 2: discord.sync_guilds is "home". '
            "Allowed: a list of numbers, such as [123, 456].",
        ),
        (
            "[engine]\nbach_size = 3",
            "config.toml, line 2: unknown setting engine.bach_size. Did you mean batch_size?",
        ),
        (
            "[storage]\ncolour = 3",
            "config.toml, line 2: unknown setting storage.colour. Known: path, keep_days, keep_gb, "
            "uploads_gb, metadata.",
        ),
        (
            "[storag]",
            "config.toml, line 1: unknown section storag. Did you mean storage?",
        ),
        (
            "engine = 3",
            "config.toml, line 1: engine is 3. It must be a section with keys.",
        ),
        (
            "[limits.roles.members]\nwaiting_jobs = 3",
            "config.toml, line 1: [limits.roles.members] isn't valid: the name must be a number.",
        ),
        (
            "[models.fox]\nwidth = 512",
            "config.toml, line 1: [models.fox] needs source. "
            "A Hugging Face Hub ID, a folder in the Diffusers layout, a file, or a "
            "version on Civitai as civitai:NUMBER.",
        ),
        (
            "[models.sketch]\nsource = 'a/b'",
            "config.toml, line 1: [models.sketch] isn't valid: "
            "this name is taken by the built-in model.",
        ),
        (
            "[models.'a b']\nsource = 'a/b'",
            "config.toml, line 1: [models.a b] isn't valid: "
            "names have 1 to 50 letters, digits, dots, hyphens or underscores.",
        ),
        (
            "[engine]\ndefault_model = 'scetch'",
            "config.toml, line 2: engine.default_model: There's no model “scetch”. "
            "Did you mean “sketch”? Models: sketch.",
        ),
        (
            "[engine]\nbatch_size 3",
            "config.toml, line 2: invalid TOML. Expected '=' after a key in a key/value pair.",
        ),
        (
            "[engine]\ndevice = '''cpu",
            "config.toml, line 2: invalid TOML. Expected \"'''\".",
        ),
        (
            "[discord]\nproxy = 'socks://me:secret@proxy'",
            'config.toml, line 2: discord.proxy is "socks://[secret]@proxy". '
            "HTTP proxy for Discord, such as http://user:password@host:8080.",
        ),
    ],
)
def test_a_bad_setting_is_named_with_its_line_and_what_is_allowed(
    config: Config, text: str, sentence: str
) -> None:
    config(text)
    assert problems() == [sentence]


def test_a_bad_variable_is_named(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    config("[engine]\nbatch_size = 4")
    monkeypatch.setenv("ATELIER_ENGINE__BATCH_SIZE", "many")
    assert problems() == [
        'environment variable ATELIER_ENGINE__BATCH_SIZE: engine.batch_size is "many". '
        "Allowed: a whole number from 1 to 32."
    ]


def test_variables_that_name_no_setting_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_ENGIN__DEVICE", "cpu")
    monkeypatch.setenv("ATELIER_ENGINE_DEVICE", "cpu")
    monkeypatch.setenv("ATELIER_SERVICE_HOST", "10.0.0.7")  # Kubernetes sets such ones
    assert problems() == [
        "environment variable ATELIER_ENGINE_DEVICE: write it as ATELIER_ENGINE__DEVICE.",
        "environment variable ATELIER_ENGIN__DEVICE: unknown section engin. Did you mean engine?",
    ]
    monkeypatch.delenv("ATELIER_ENGIN__DEVICE")
    monkeypatch.delenv("ATELIER_ENGINE_DEVICE")
    monkeypatch.setenv("ATELIER_ENGINE__DEVISE", "cpu")
    monkeypatch.setenv("ATELIER_MODELS__FOX__WIDTH", "512")
    assert problems() == [
        "environment variable ATELIER_ENGINE__DEVISE: unknown setting engine.devise. "
        "Did you mean device?",
        "environment variables ATELIER_MODELS__FOX__…: [models.fox] needs source. "
        "A Hugging Face Hub ID, a folder in the Diffusers layout, a file, or a "
        "version on Civitai as civitai:NUMBER.",
    ]


def test_everything_that_is_wrong_is_told_in_the_order_of_the_lines(
    config: Config, atelier: Atelier
) -> None:
    config("[engine]\ndevice = 'gpu'\nbatch = 3\n[limits]\nqueue_size = 0")
    result = atelier("models")
    assert result.code is Exit.SETTINGS
    assert [line.partition(": ")[0] for line in result.err.splitlines()] == [
        "✗ config.toml, line 2",
        "✗ config.toml, line 3",
        "✗ config.toml, line 5",
    ]


def test_a_token_is_never_shown(config: Config, atelier: Atelier) -> None:
    config(f"[discord]\ntoken = ['{TOKEN}']")
    result = atelier("models")
    assert result.err.startswith("✗ config.toml, line 2: discord.token is (not shown).")
    assert TOKEN not in result.err
    config(f"[discord]\ntoken = '{TOKEN}'")
    settings = load_settings(None)
    assert TOKEN not in f"{settings!r} {settings} {settings.model_dump()}"


def test_the_token_of_the_hub_is_never_shown(config: Config, atelier: Atelier) -> None:
    config("[engine]\nhub_token = ['hf_secret']")
    result = atelier("models")
    assert result.err.startswith("✗ config.toml, line 2: engine.hub_token is (not shown).")
    config("[engine]\nhub_token = ' hf_secret\\n'\nhub_url = 'nowhere'")
    assert "hf_secret" not in atelier("models").err
    config('[engine]\nhub_token = "hf_secret\\n"')
    settings = load_settings(None)
    assert settings.engine.hub_token is not None
    assert settings.engine.hub_token.get_secret_value() == "hf_secret"
    assert "hf_secret" not in f"{settings!r} {settings} {settings.model_dump()}"


def test_a_file_that_cannot_be_read_is_an_error_only_when_it_was_asked_for(
    workplace: Path,
) -> None:
    load_settings(None)
    with pytest.raises(SettingsError, match=r"^nope\.toml can't be read: No such file"):
        load_settings(Path("nope.toml"))
    (workplace / "config.toml").write_bytes("[engine]".encode("utf-16"))
    assert problems() == ["config.toml can't be read. Save it as UTF-8."]
