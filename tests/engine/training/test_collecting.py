"""What members give to a training, and what is refused."""

import asyncio
import errno
import time
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from engine import (
    InvalidModel,
    InvalidRequest,
    LimitReached,
    StorageError,
)
from engine.devices.messages import Pixels
from engine.safety.checker import SafetyChecker
from engine.settings import StoredAdapter
from engine.training.run_folder import RunFolder
from engine.writing.describer import Describer
from tests.engine.training.members import HERE, STATES, Open, new, png, ready


async def test_pictures_are_kept_without_what_their_files_say_of_people(open_here: Open) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"  # to be turned by 90 degrees; who made it
    async with open_here() as studio:
        training = await new(studio)
        data = png(1, (200, 128), format="JPEG", exif=exif)
        training = await studio.trainings.add_picture(training.id, data, "a\nfigure")
    [kept] = training.pictures
    assert (kept.width, kept.height, kept.caption) == (128, 200, "a figure")
    with Image.open(kept.file) as image:
        assert image.size == (128, 200)
        assert not image.getexif()
        assert b"camera" not in kept.file.read_bytes()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"not a picture", "can't be read as a picture"),
        (png(1, (200, 63)), "Each side needs 64"),
        (png(0, format="JPEG", quality=40), "looks the same as picture 1"),
    ],
)
async def test_a_picture_that_teaches_nothing_is_refused_with_the_reason(
    open_here: Open, data: bytes, sentence: str
) -> None:
    async with open_here() as studio:
        training = await new(studio)
        await studio.trainings.add_picture(training.id, png(0))
        with pytest.raises(InvalidRequest, match=sentence):
            await studio.trainings.add_picture(training.id, data)


async def test_a_picture_that_isnt_safe_is_refused(
    open_here: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Pixels] = []

    async def is_unsafe(self: SafetyChecker, pixels: Pixels) -> bool:
        shown.append(pixels)
        return True

    monkeypatch.setattr(SafetyChecker, "is_unsafe", is_unsafe)
    async with open_here() as studio:
        training = await new(studio)
        with pytest.raises(InvalidRequest, match="isn't safe for work"):
            await studio.trainings.add_picture(training.id, png(0, (2100, 1050)))
        assert [(each.width, each.height) for each in shown] == [(512, 256)]
        assert not RunFolder(training.folder).pictures.exists()


async def test_captions_are_proposed_where_people_have_written_none(
    open_here: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def describe(self: Describer, read: Any, owner: str) -> tuple[str, ...]:
        assert owner == "ada"
        with Image.open(BytesIO(await read())) as image:
            if image.width == 160:
                raise InvalidRequest("no words")
        return "a drawing", "another"

    async with open_here() as studio:
        training = await new(studio)
        await studio.trainings.add_picture(training.id, png(0), "by hand")
        await studio.trainings.add_picture(training.id, png(1))
        await studio.trainings.add_picture(training.id, png(2, (128, 160)))
        training = await studio.trainings.propose_captions(training.id)
        assert [each.caption for each in training.pictures] == ["by hand", "", ""]
        monkeypatch.setattr(Describer, "enabled", True)
        monkeypatch.setattr(Describer, "describe", describe)
        training = await studio.trainings.propose_captions(training.id)
        assert [each.caption for each in training.pictures] == ["by hand", "", "a drawing"]

        async def slow(self: Describer, read: Any, owner: str) -> tuple[str, ...]:
            await studio.trainings.caption(training.id, 2, "by hand meanwhile")
            return ("a guess",)

        monkeypatch.setattr(Describer, "describe", slow)
        training = await studio.trainings.propose_captions(training.id)
        assert training.pictures[1].caption == "by hand meanwhile"


async def test_two_people_who_give_the_same_picture_at_once_give_it_once(open_here: Open) -> None:
    async with open_here() as studio:
        training = await new(studio)
        adding = [studio.trainings.add_picture(training.id, png(3)) for _ in range(2)]
        outcomes = await asyncio.gather(*adding, return_exceptions=True)
        assert sum(isinstance(each, InvalidRequest) for each in outcomes) == 1
        assert len((await studio.trainings.get(training.id)).pictures) == 1


async def test_the_61st_picture_is_refused_until_one_is_taken_out(
    open_here: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.training.collecting.MAX_PICTURES", 3)  # of 60
    async with open_here() as studio:
        training = await new(studio)
        for seed in range(3):
            await studio.trainings.add_picture(training.id, png(seed))
        with pytest.raises(InvalidRequest, match="as many as can be used"):
            await studio.trainings.add_picture(training.id, png(3))
        await studio.trainings.remove_picture(training.id, 2)
        training = await studio.trainings.add_picture(training.id, png(3))
        assert [each.number for each in training.pictures] == [1, 3, 4]
        with pytest.raises(InvalidRequest, match="Picture 2 was removed"):
            await studio.trainings.caption(training.id, 2, "gone")
        with pytest.raises(InvalidRequest, match="training needs 6"):
            await studio.trainings.start(training.id)


@pytest.mark.usefixtures("runners")
async def test_on_a_full_disk_no_picture_is_half_there(
    open_here: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_here() as studio:
        training = await ready(studio)

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("engine.training.run_folder.write_whole", full)
            with pytest.raises(StorageError, match="No space left"):
                await studio.trainings.add_picture(training.id, png(9))
            with pytest.raises(StorageError, match="No space left"):
                await studio.trainings.start(training.id)
        training = await studio.trainings.add_picture(training.id, png(9))
        assert (training.state, len(training.pictures)) == (STATES.COLLECTING, 7)


async def test_a_name_that_is_somebodys_own_is_not_told_to_others(open_here: Open) -> None:
    async with open_here() as studio:
        await new(studio, "secret", private=True)
        theirs = StoredAdapter(source="a/b", scope=HERE, owner="ada")
        await studio.adapter_manager.add_own("hidden", theirs)
        elsewhere = StoredAdapter(source="a/c", scope="guild:2")
        await studio.adapter_manager.add_own("faraway", elsewhere)
        for name, owner in (("secret", "bob"), ("hidden", "eve"), ("faraway", "mallory")):
            assert (await new(studio, name, owner)).name == name
        for name in ("hidden", "secret"):
            with pytest.raises(InvalidModel, match="already a LoRA named"):
                await new(studio, name)


async def test_what_nobody_adds_to_for_a_week_is_given_up_with_its_pictures(
    open_here: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_here() as studio:
        began = time.time()
        for owner in ("ada", "bob"):
            training = await new(studio, f"of-{owner}", owner)
            await studio.trainings.add_picture(training.id, png(0))
        [bobs] = await studio.trainings.of_owner("bob")
        monkeypatch.setattr(time, "time", lambda: began + 6 * 24 * 3600)
        await studio.trainings.caption(bobs.id, 1, "a figure")
        assert await studio.trainings.give_up_idle() == []
        monkeypatch.setattr(time, "time", lambda: began + 7 * 24 * 3600 + 60)
        [given_up] = await studio.trainings.give_up_idle()
        assert (given_up.owner, given_up.state) == ("ada", STATES.CANCELLED)
        assert given_up.error == "Nothing was added for a week, so its pictures were deleted."
        assert not given_up.pictures
        assert not given_up.folder.exists()
        [kept] = await studio.trainings.of_owner("bob")
        assert kept.pictures[0].file.exists()
        await new(studio, "another")


async def test_names_that_are_taken_and_models_that_cant_be_trained_are_refused(
    open_here: Open,
) -> None:
    async with open_here() as studio:
        await new(studio)
        with pytest.raises(InvalidModel, match="already a LoRA named"):
            await new(studio, "ZORK", owner="bob")
        with pytest.raises(InvalidModel, match="can't begin with a hyphen"):
            await new(studio, "--help", owner="bob")
        with pytest.raises(LimitReached, match="collecting pictures for “zork”"):
            await new(studio, "other")
        await studio.moderation.block_word(HERE, "gore")
        with pytest.raises(InvalidRequest, match="isn't allowed"):
            await new(studio, "other", owner="bob", trigger="gore")
    async with open_here(enabled=False) as studio:
        with pytest.raises(InvalidRequest, match="turned off"):
            await new(studio, "other", owner="bob")
