"""Canvases: what is marked, what stays to the pixel, and where the seams lie."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from PIL import Image, ImageChops

from engine.images.canvas import (
    PARTS,
    Direction,
    InpaintCanvas,
    draw_parts,
    inpaint_size,
    mask_parts,
    nearest_size,
    pan,
    pan_margin,
    part_box,
    put_back,
    region_of,
    zoom_out,
)
from tests.engine.builders import model

WIDE = (96, 64)


def gradient(size: tuple[int, int] = WIDE) -> Image.Image:
    """A picture without two equal columns or rows."""
    across = Image.linear_gradient("L").rotate(90).resize(size)
    down = Image.linear_gradient("L").resize(size)
    return Image.merge("RGB", (across, down, Image.new("L", size, 90)))


def whole(mask: Image.Image, value: int) -> tuple[int, int, int, int] | None:
    """The box around whatever has that value in the mask."""
    return mask.point([255 if each == value else 0 for each in range(256)]).getbbox()


@pytest.mark.parametrize(
    ("part", "box"),
    [(1, (0, 0, 32, 21)), (5, (32, 21, 64, 42)), (6, (64, 21, 96, 42)), (9, (64, 42, 96, 64))],
)
def test_a_part_fades_in_from_its_edges_and_nothing_beside_it_is_marked(
    part: int, box: tuple[int, int, int, int]
) -> None:
    canvas = mask_parts(gradient(), {part})
    assert canvas.image.tobytes() == gradient().tobytes()
    inside = canvas.mask.getbbox()
    assert inside is not None
    assert all(abs(here - there) <= 2 for here, there in zip(inside, box, strict=True))
    outside = canvas.mask.copy()
    outside.paste(0, box)
    assert outside.getbbox() is None
    assert canvas.mask.getpixel(((box[0] + box[2]) // 2, (box[1] + box[3]) // 2)) == 255


def test_neighbouring_parts_are_one_and_the_hollow_of_a_corner_is_kept() -> None:
    mask = mask_parts(gradient((90, 90)), {1, 2, 4}).mask
    assert mask.getpixel((30, 15)) == 255
    assert mask.crop((30, 30, 90, 90)).getbbox() is None


def test_all_parts_are_the_picture() -> None:
    assert whole(mask_parts(gradient(), PARTS).mask, 255) == (0, 0, *WIDE)


@pytest.mark.parametrize("factor", [1.5, 2.0])
def test_a_picture_zoomed_out_lies_in_the_middle_and_its_seam_within_it(factor: float) -> None:
    before = gradient()
    canvas = zoom_out(before, factor)
    assert canvas.image.size == canvas.mask.size == WIDE
    width, height = round(96 / factor), round(64 / factor)
    left, top = (96 - width) // 2, (64 - height) // 2
    box = (left, top, left + width, top + height)
    small = before.resize((width, height), Image.Resampling.LANCZOS)
    assert canvas.image.crop(box).tobytes() == small.tobytes()
    ring = canvas.mask.copy()
    ring.paste(255, box)
    assert ring.histogram()[255] == WIDE[0] * WIDE[1]
    kept = whole(canvas.mask, 0)
    assert kept is not None
    assert kept[0] > left
    assert kept[3] < top + height


@pytest.mark.parametrize(
    ("way", "size", "place"),
    [
        (Direction.RIGHT, (144, 64), (0, 0)),
        (Direction.LEFT, (144, 64), (48, 0)),
        (Direction.DOWN, (96, 96), (0, 0)),
        (Direction.UP, (96, 96), (0, 32)),
    ],
)
def test_a_picture_that_grows_is_there_whole(
    way: Direction, size: tuple[int, int], place: tuple[int, int]
) -> None:
    room = 48 if size[0] > 96 else 32
    canvas = pan(gradient(), way, room, grows=True)
    assert canvas.image.size == canvas.mask.size == size
    box = (*place, place[0] + 96, place[1] + 64)
    assert canvas.image.crop(box).tobytes() == gradient().tobytes()
    assert _kept_share(canvas) == pytest.approx(2 / 3, abs=0.1)


@pytest.mark.parametrize("way", Direction)
def test_a_picture_that_does_not_grow_loses_its_other_half(way: Direction) -> None:
    room = 48 if way in (Direction.LEFT, Direction.RIGHT) else 32
    canvas = pan(gradient(), way, room, grows=False)
    assert canvas.image.size == WIDE
    halves = {
        Direction.RIGHT: ((48, 0, 96, 64), (0, 0, 48, 64)),
        Direction.LEFT: ((0, 0, 48, 64), (48, 0, 96, 64)),
        Direction.DOWN: ((0, 32, 96, 64), (0, 0, 96, 32)),
        Direction.UP: ((0, 0, 96, 32), (0, 32, 96, 64)),
    }
    before, after = halves[way]
    assert canvas.image.crop(after).tobytes() == gradient().crop(before).tobytes()
    new = ImageChops.invert(canvas.mask)
    new.paste(0, after)
    assert new.getbbox() is None


def _kept_share(canvas: InpaintCanvas) -> float:
    return canvas.mask.histogram()[0] / (canvas.mask.width * canvas.mask.height)


def test_a_picture_grows_by_half_as_long_as_the_model_paints_that_large() -> None:
    wide = model(width=64, height=64, min_side=32, max_side=96)
    assert pan_margin(wide, (64, 64), Direction.RIGHT) == (32, True)
    assert pan_margin(wide, (96, 64), Direction.LEFT) == (48, False)
    assert pan_margin(wide, (96, 64), Direction.UP) == (32, True)


@pytest.mark.parametrize(
    ("size", "painted"),
    [((96, 64), (96, 64)), ((192, 128), (80, 56)), ((100, 100), (64, 64)), ((4000, 10), (128, 32))],
)
def test_a_picture_is_painted_at_its_size_or_else_in_its_shape(
    size: tuple[int, int], painted: tuple[int, int]
) -> None:
    tiny = model(width=64, height=64, min_side=32, max_side=128)
    assert nearest_size(tiny, *size) == painted


@pytest.mark.parametrize(
    ("size", "painted"),
    [
        ((96, 64), (96, 64)),
        ((128, 128), (128, 128)),
        ((192, 128), (128, 88)),
        ((256, 256), (128, 128)),
        ((100, 70), (96, 72)),
        ((16, 16), (64, 64)),
        ((4000, 10), (128, 32)),
    ],
)
def test_a_picture_that_is_painted_further_is_made_no_smaller_than_it_has_to_be(
    size: tuple[int, int], painted: tuple[int, int]
) -> None:
    tiny = model(width=64, height=64, min_side=32, max_side=128)
    assert inpaint_size(tiny, *size) == painted


def test_a_small_picture_takes_less_noise() -> None:
    wide = [Image.new("RGB", (1024, side)) for side in (128, 512, 1024)]
    assert [zoom_out(each, 2).strength for each in wide] == [0.2, 0.8, 0.8]
    assert [pan(each, Direction.LEFT, 64, grows=True).strength for each in wide] == [0.2, 0.8, 0.8]
    assert pan(wide[0], Direction.LEFT, 64, grows=False).strength == 1


def test_a_chart_shows_what_is_chosen_in_colour() -> None:
    grey = Image.new("RGB", (64, 32), (90, 90, 90))
    shown = draw_parts(grey, {1})
    assert shown.size == (640, 320)
    assert shown.getpixel((30, 30)) != shown.getpixel((330, 30)) == (90, 90, 90)


@pytest.mark.parametrize("size", [(1, 1), (2048, 1), (3, 300)])
def test_the_oddest_picture_has_nine_parts_too(size: tuple[int, int]) -> None:
    odd = Image.new("RGB", size)
    assert max(draw_parts(odd, PARTS).size) == 640
    for canvas in (mask_parts(odd, PARTS), zoom_out(odd.resize((9, 9)), 2)):
        assert canvas.image.size == canvas.mask.size


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize(
    ("size", "parts"), [((120, 90), {6}), ((90, 300), {1, 2, 5}), (WIDE, PARTS)]
)
def test_a_region_is_painted_larger_and_put_back_into_its_place(
    size: tuple[int, int], parts: Collection[int], mode: str
) -> None:
    picture = gradient(size).convert(mode)
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize(size))
    region = region_of(model(width=64, height=64), size, parts, 0.35)
    left, top, right, bottom = region.box
    assert 0 <= left < right <= size[0]
    assert 0 <= top < bottom <= size[1]
    assert region.width % 8 == region.height % 8 == 0
    assert min(region.width, region.height) >= 32
    assert max(region.width, region.height) <= 256
    wanted = (right - left) / (bottom - top)
    assert abs(region.width / region.height / wanted - 1) < 0.25
    red = Image.new("RGB", (region.width, region.height), "red")
    made = put_back(red, picture, region)
    assert (made.mode, made.size) == (mode, size)
    if mode == "RGBA":
        assert made.getchannel("A").tobytes() == picture.getchannel("A").tobytes()
    mask = mask_parts(picture, parts).mask
    difference = ImageChops.difference(made.convert("RGB"), picture.convert("RGB"))
    difference.paste(0, (0, 0), mask.point([255 if each else 0 for each in range(256)]))
    assert difference.getbbox() is None
    changed = [part_box(size, part) for part in parts]
    for box in changed:
        middle = ((box[0] + box[2]) // 2, (box[1] + box[3]) // 2)
        assert made.convert("RGB").getpixel(middle) == (255, 0, 0)
