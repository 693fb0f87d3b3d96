"""A sheet as it is drawn: where pictures stand, and that every label can be read."""

import time
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageColor

from engine.grids import text as lettering
from engine.grids.drawing import BACKGROUND, EMPTY_CELL, MAX_SIDE, draw_grid, grid_legend
from engine.grids.layout import Axis, GridLayout
from engine.grids.text import drawable, fit_labels
from engine.images.encoding import PictureMarks, encoded
from engine.images.metadata import parse_parameters
from engine.images.metadata.xmp import SourceType, source_type_in
from engine.jobs.job import Job, JobState
from tests.engine.builders import job

COLOURS = ("#ff0000", "#00ff00", "#0000ff", "#ffff00", "#ff00ff", "#00ffff")
BOTH = GridLayout(
    columns=Axis(title="guidance", labels=("1", "3", "7.5")),
    rows=Axis(title="seed", labels=("1", "2")),
)


WITH_SETTINGS = PictureMarks(parameters="a red house")


def cells(
    folder: Path,
    *sizes: tuple[int, int],
    states: dict[int, JobState] | None = None,
    marks: PictureMarks = WITH_SETTINGS,
) -> dict[int, Job]:
    """Cells of one colour each; those with a state have no picture."""
    made = {}
    for number, (width, height) in enumerate(sizes):
        file = folder / f"{number}.png"
        image = Image.new("RGB", (width, height), COLOURS[number % len(COLOURS)])
        file.write_bytes(encoded(image, "PNG", marks))
        each = replace(job(number + 1, width=width, height=height, seed=number), pictures=(file,))
        if states and number in states:
            each = replace(each, pictures=(), state=states[number])
        made[number] = each
    return made


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data)).convert("RGB")


def box(grid: Image.Image, colour: str) -> tuple[int, int, int, int] | None:
    """Where a colour stands on the sheet: left, top, right, bottom."""
    difference = ImageChops.difference(grid, Image.new("RGB", grid.size, colour))
    return difference.convert("L").point(lambda value: 255 * (value == 0)).getbbox()


def test_pictures_stand_in_rows_and_columns_at_equal_distances(tmp_path: Path) -> None:
    grid = opened(draw_grid(BOTH, cells(tmp_path, *[(400, 300)] * 6)))
    places = [box(grid, colour) for colour in COLOURS]
    lefts, tops = [p[0] for p in places if p], [p[1] for p in places if p]
    assert lefts[:3] == lefts[3:]
    assert tops == [tops[0]] * 3 + [tops[3]] * 3
    assert {p[2] - p[0] for p in places if p} == {400}
    assert lefts[1] - lefts[0] == lefts[2] - lefts[1]
    assert lefts[1] - lefts[0] - 400 == tops[3] - tops[0] - 300 > 0


def test_above_and_beside_them_is_room_with_writing_in_it(tmp_path: Path) -> None:
    grid = opened(draw_grid(BOTH, cells(tmp_path, *[(400, 300)] * 6)))
    first = box(grid, COLOURS[0])
    assert first is not None
    for margin in ((0, 0, grid.width, first[1]), (0, first[1], first[0], grid.height)):
        colours = grid.crop(margin).getcolors(1 << 16)
        assert len(colours or []) > 2, "there are letters on the paper"


def test_with_one_axis_nothing_is_written_at_the_side(tmp_path: Path) -> None:
    layout = GridLayout(columns=Axis(title="seed", labels=("1", "2")))
    grid = opened(draw_grid(layout, cells(tmp_path, (700, 700), (700, 700))))
    first = box(grid, COLOURS[0])
    assert first is not None
    side = grid.crop((0, first[1], first[0], grid.height))
    assert side.getcolors() == [(side.width * side.height, ImageColor.getrgb(BACKGROUND))]


def test_pictures_of_other_shapes_stand_in_the_middle_of_their_room(tmp_path: Path) -> None:
    layout = GridLayout(columns=Axis(title="size", labels=("3:2", "2:3")))
    grid = opened(draw_grid(layout, cells(tmp_path, (900, 600), (600, 900))))
    wide, tall = box(grid, COLOURS[0]), box(grid, COLOURS[1])
    assert wide is not None
    assert tall is not None
    assert (wide[1] + wide[3]) / 2 == (tall[1] + tall[3]) / 2
    assert wide[3] - wide[1] == 600
    assert tall[3] - tall[1] == 900


@pytest.mark.parametrize(
    ("side", "drawn"), [(64, 384), (1800, MAX_SIDE // 3), (400, 400)], ids=["tiny", "huge", "usual"]
)
def test_small_pictures_are_drawn_larger_and_huge_ones_smaller(
    tmp_path: Path, side: int, drawn: int
) -> None:
    layout = GridLayout(columns=Axis(title="seed", labels=("1", "2", "3")))
    grid = opened(draw_grid(layout, cells(tmp_path, *[(side, side)] * 3)))
    first = box(grid, COLOURS[0])
    assert first is not None
    assert abs(first[2] - first[0] - drawn) <= 1


def test_what_is_missing_is_drawn_as_such(tmp_path: Path) -> None:
    states = {1: JobState.FAILED, 2: JobState.CANCELLED}
    found = cells(tmp_path, *[(400, 300)] * 6, states=states)
    del found[3]
    found[4].pictures[0].unlink()
    grid = opened(draw_grid(BOTH, found))
    assert [box(grid, colour) is None for colour in COLOURS] == [
        False,
        True,
        True,
        True,
        True,
        False,
    ]
    blank = ImageColor.getrgb(EMPTY_CELL)
    counts = {colour: count for count, colour in grid.getcolors(1 << 16) or []}
    assert 3.5 * 400 * 300 < counts[blank] < 4 * 400 * 300, "with marks on them"


def test_the_settings_of_the_first_cell_and_the_axes_are_inside(tmp_path: Path) -> None:
    layout = replace(BOTH, rows=Axis(title="words", labels=('a "red" cat', "a dog, too")))
    found = cells(tmp_path, *[(64, 64)] * 6)
    text = Image.open(BytesIO(draw_grid(layout, found))).info["parameters"]
    assert 'X Type: guidance, X Values: "1, 3, 7.5"' in text
    assert "Y Values: \"a 'red' cat, a dog, too\"" in text
    request = parse_parameters(text)
    assert (request.prompt, request.seed, request.model) == ("a red house", 0, "tiny")


@pytest.mark.parametrize("origin", [None, *SourceType])
def test_a_grid_tells_no_more_of_itself_than_its_pictures(
    tmp_path: Path, origin: SourceType | None
) -> None:
    """Without settings in them, it has none; and with one edited photo it has a photo in it."""
    found = cells(tmp_path, *[(64, 64)] * 6, marks=PictureMarks(source_type=origin))
    assert source_type_in(draw_grid(BOTH, found)) is origin
    assert "parameters" not in Image.open(BytesIO(draw_grid(BOTH, found))).info
    edited = encoded(
        Image.new("RGB", (64, 64)), "PNG", PictureMarks(source_type=SourceType.COMPOSITE)
    )
    found[5].pictures[0].write_bytes(edited)
    assert source_type_in(draw_grid(BOTH, found)) is SourceType.COMPOSITE


def test_labels_become_smaller_break_between_words_and_are_cut_at_last() -> None:
    assert [each.lines for each in fit_labels(["7", "30"], 40, 200)] == [("7",), ("30",)]
    [large, _] = fit_labels(["7", "30"], 40, 200)
    [small, _] = fit_labels(["stable-diffusion", "x"], 40, 200)
    assert small.font.size < large.font.size
    assert small.lines == ("stable-diffusion",)
    [broken] = fit_labels(["a red house in the snow"], 40, 250)
    assert len(broken.lines) == 2
    [cut] = fit_labels(["a very long description of a dog that goes on and on"], 40, 150)
    assert cut.lines[-1].endswith("...")
    [endless] = fit_labels(["x" * 300], 40, 150)
    assert endless.lines[0].endswith("x...")
    for each in (large, small, broken, cut, endless):
        assert each.width <= 250


def test_what_no_font_can_write_is_drawn_as_a_number_with_a_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lettering, "SYSTEM_FONTS", ("there-is-no-such-font.ttf",))
    lettering._file_for.cache_clear()
    try:
        assert drawable(["a cat", "一只猫", "😀"]) == ("a cat", "#2", "#3")
        layout = GridLayout(columns=Axis(title="words", labels=("a cat", "一只猫")))
        assert grid_legend(layout) == (("#2", "一只猫"),)
    finally:
        lettering._file_for.cache_clear()


def test_titles_are_drawn_as_they_are_called_where_a_font_can_write_that(tmp_path: Path) -> None:
    found = cells(tmp_path, *[(64, 64)] * 6)
    plain = draw_grid(BOTH, found)
    assert draw_grid(BOTH, found, {"guidance": "Führung", "seed": "seed"}.__getitem__) != plain
    assert draw_grid(BOTH, found, lambda title: f"{title} \U0010fffd") == plain


def test_a_font_of_the_machine_that_has_the_signs_is_taken() -> None:
    if lettering._file_for("猫") is None:
        pytest.skip("no font here has Chinese")
    assert drawable(["一只猫"]) == ("一只猫",)
    [chinese] = fit_labels(["一只猫"], 40, 300)
    assert chinese.width > 100


def test_a_long_label_is_cut_as_late_as_it_can_be_and_at_once() -> None:
    begun = time.monotonic()
    for label in ("M" * 4000, "i" * 4000, "Wi" * 2000):
        [cut] = fit_labels([label], 20, 300, lines=1)
        [line] = cut.lines
        whole = line.removesuffix("...")
        assert whole
        assert label.startswith(whole)
        assert cut.width <= 300
        assert cut.font.getlength(label[: len(whole) + 1] + "...") > 300
    assert time.monotonic() - begun < 2


def test_what_members_write_is_not_kept_for_ever() -> None:
    assert lettering._file_for.cache_info().maxsize is not None
