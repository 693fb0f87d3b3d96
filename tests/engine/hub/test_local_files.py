"""What of a model is on disk, and where the loader finds it."""

import shutil
from pathlib import Path

import pytest

from engine.errors import ModelUnavailable
from engine.hub import LocalFiles, Presence, disk_usage, local_files, origin
from engine.models.catalogue import SKETCH
from engine.models.origins import disk_usage_of
from tests.engine.builders import model
from tests.engine.hub import weights
from tests.engine.hub.conftest import UNET


def test_the_built_in_model_is_here() -> None:
    state = disk_usage_of(SKETCH)
    assert (state.presence, state.lacks) == (Presence.COMPLETE, ())
    assert state.size > 1_000_000


def test_a_source_that_is_nothing_says_why() -> None:
    state = disk_usage_of(model("./gone"))
    assert state.presence is Presence.NO_FOLDER
    assert "“./gone” is neither a folder nor" in state.errors[0]


def test_a_folder_without_weights_is_broken(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "copy")
    (folder / UNET).unlink()
    wanted = origin(str(folder))
    assert disk_usage(wanted).presence is Presence.BROKEN
    with pytest.raises(
        ModelUnavailable, match=r"is incomplete\. Missing: the \.safetensors weights of unet"
    ):
        local_files(wanted)


@pytest.mark.parametrize("index", ["{", "[]", "{}", "[" * 100_000], ids=lambda index: index[:2])
def test_an_index_that_cannot_be_read_is_broken(tmp_path: Path, index: str) -> None:
    (tmp_path / "model_index.json").write_text(index)
    assert disk_usage(origin(str(tmp_path))).presence is Presence.BROKEN
    with pytest.raises(ModelUnavailable, match="model_index"):
        local_files(origin(str(tmp_path)))


def test_the_loader_finds_folder_and_denoiser(tiny_model: Path, tmp_path: Path) -> None:
    file = weights.save(tmp_path / "fox.safetensors", weights.SD1)
    assert local_files(origin(str(tiny_model))) == LocalFiles(folder=tiny_model)
    assert local_files(origin(str(tiny_model), denoiser=str(file))) == LocalFiles(
        folder=tiny_model, denoiser=file
    )


def test_a_checkpoint_is_whole_only_with_what_it_goes_with(cache: Path, tmp_path: Path) -> None:
    wanted = origin(str(weights.save(tmp_path / "fox.safetensors", weights.SD1)))
    assert disk_usage(wanted).presence is Presence.PARTIAL
    with pytest.raises(ModelUnavailable, match="stable-diffusion-v1-5” is not downloaded"):
        local_files(wanted)


def test_what_is_not_downloaded_has_no_place(cache: Path) -> None:
    for text in ("someone/fox", "someone/fox/full.safetensors"):
        assert disk_usage(origin(text)).presence is Presence.ABSENT
        with pytest.raises(ModelUnavailable, match=r"is not downloaded\. Download it first"):
            local_files(origin(text))


def test_a_pipeline_without_its_denoiser_is_partly_here(cache: Path, tiny_model: Path) -> None:
    wanted = origin(str(tiny_model), denoiser="other/fox/fox.gguf")
    assert disk_usage(wanted).presence is Presence.PARTIAL
    with pytest.raises(ModelUnavailable, match=r"“other/fox/fox\.gguf” is not downloaded"):
        local_files(wanted)
