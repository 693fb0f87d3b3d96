"""Maps are made from any picture when it is asked for, and stored like start images."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.devices.messages import Pixels
from engine.errors import InvalidRequest
from engine.images.uploads import UploadFolder
from engine.jobs.control import Control, ControlKind
from engine.jobs.control_maps import ControlMaps, LazyMapMaker, MapThread
from engine.jobs.request import ImageRequest
from engine.models.controls import ControlCatalogue
from engine.models.model import Model
from engine.network_settings import ControlSettings, MapSettings
from tests.engine.builders import model
from tests.engine.diffusion.families.unet_pipelines import photo
from tests.tiny.map_readers import depth_estimator

KINDS = ("pose", "depth", "edges", "lines", "tile")


def sd() -> Model:
    entry = model()
    object.__setattr__(entry, "family", "sd")
    return entry


def maps_in(folder: Path, settings: MapSettings, fetched: list[str]) -> tuple[Any, UploadFolder]:
    network = ControlSettings(source="someone/network", family="sd", types=KINDS)
    uploads = UploadFolder(folder / "uploads")

    def find(network: Any) -> Path:
        fetched.append(network.name)
        return folder

    catalogue = ControlCatalogue({"all": network})
    return ControlMaps(catalogue, settings, MapThread(settings, Path), uploads, find), uploads


def asked(image: str, kind: ControlKind) -> Control:
    return Control(image=image, kind=kind, strength=0.7)


async def test_a_map_has_the_shape_of_what_is_painted_and_is_made_once(tmp_path: Path) -> None:
    settings = MapSettings(depth_model=str(depth_estimator(tmp_path / "depth")))
    fetched: list[str] = []
    maps, uploads = maps_in(tmp_path, settings, fetched)
    name = uploads.keep_image(photo(192, 64))
    made = {}
    for kind in (ControlKind.DEPTH, ControlKind.EDGES, ControlKind.TILE):
        control = await maps.prepare(asked(name, kind), sd(), (64, 96))
        again = await maps.prepare(asked(name, kind), sd(), (64, 96))
        assert control == again
        assert (control.kind, control.strength) == (kind, 0.7)
        with Image.open(maps.file(control)) as found:
            assert found.size == (64, 96)
        made[kind] = control.image
    assert len(set(made.values())) == 3
    assert fetched == ["all"] * 6, "its files are there before it is queued"
    ready = await maps.prepare(asked(name, ControlKind.POSE), sd(), (64, 96), ready=True)
    assert ready.image == made[ControlKind.TILE], "a finished map is only cropped"
    await maps.stop()


async def test_requests_of_one_size_share_a_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps, uploads = maps_in(tmp_path, MapSettings(), [])
    made: list[tuple[int, int]] = []
    make = LazyMapMaker.make

    def counted(self: LazyMapMaker, picture: Pixels, kind: ControlKind) -> Pixels:
        made.append((picture.width, picture.height))
        return make(self, picture, kind)

    monkeypatch.setattr(LazyMapMaker, "make", counted)
    control = asked(uploads.keep_image(photo(192, 64)), ControlKind.EDGES)
    small = ImageRequest(prompt="a fox", width=64, height=64)
    shaped = ImageRequest(prompt="a fox")
    requests = [small, replace(small, prompt="a cat"), shaped]
    applied = await maps.applied_to([(request, sd()) for request in requests], control)
    assert len(made) == 2
    assert applied[0].control == applied[1].control != applied[2].control
    for request, asked_for in zip(applied, made[:1] * 2 + made[1:], strict=True):
        assert request.control is not None
        with Image.open(maps.file(request.control)) as found:
            assert found.size == (request.width, request.height) == asked_for
    await maps.stop()


async def test_what_is_missing_is_said_before_anything_is_made(tmp_path: Path) -> None:
    fetched: list[str] = []
    maps, uploads = maps_in(tmp_path, MapSettings(), fetched)
    name = uploads.keep_image(photo())
    with pytest.raises(InvalidRequest, match=r"`depth_model` in the section `\[maps\]`"):
        await maps.prepare(asked(name, ControlKind.DEPTH), sd(), (64, 64))
    assert not fetched
    with pytest.raises(InvalidRequest, match="no longer stored"):
        await maps.prepare(asked("gone.png", ControlKind.EDGES), sd(), (64, 64))
    await maps.stop()
