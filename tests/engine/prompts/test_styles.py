"""Styles and wishes: what is kept of them, and what they do to a request."""

from pathlib import Path

import pytest

from engine import ImageRequest, InvalidRequest, Style, StyleBook, UserDefaults
from engine.prompts.style_book import MAX_STYLES
from engine.prompts.styles import check_style
from engine.store import Database, Preferences


@pytest.mark.parametrize(
    ("template", "prompt"),
    [
        ("{prompt} in ink", "a fish in ink"),
        ("an ink drawing of {prompt}", "an ink drawing of a fish"),
        ("in ink", "a fish, in ink"),
    ],
)
def test_a_template_is_laid_around_the_prompt(template: str, prompt: str) -> None:
    style = Style(name="ink", prompt=template, negative_prompt="colour")
    assert style.applied_to(ImageRequest(prompt=" a fish ")) == ImageRequest(
        prompt=prompt, negative_prompt="colour"
    )
    asked = ImageRequest(prompt="a fish", negative_prompt="rain")
    assert style.applied_to(asked) == ImageRequest(prompt=prompt, negative_prompt="rain, colour")


def test_no_prompt_stays_none() -> None:
    asked = ImageRequest(prompt="  ")
    assert Style(name="ink", prompt="in ink").applied_to(asked) == asked


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": "in ink"}, "“in ink” isn't a valid name"),
        ({"name": "None"}, "“None” means no style"),
        ({"prompt": " {prompt} "}, "The style is empty"),
        ({"prompt": "x" * 1001}, "A style can have at most 1000 characters."),
        ({"prompt": "{prompt} and {prompt}"}, "more than once"),
        ({"prompt": "{prompt} --ar 3:2"}, "A style can't contain flags"),
        ({"prompt": "{prompt} --nonsense"}, "There's no flag --nonsense"),
        ({"prompt": "{prompt} in {red, blue}"}, "choices in braces"),
    ],
)
def test_what_cannot_be_a_style(values: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        check_style(Style(**{"name": "ink", "prompt": "in ink"} | values))


async def test_styles_are_kept_by_scope_and_found_whatever_the_case(tmp_path: Path) -> None:
    ink, oil = Style(name="Ink", prompt="in ink"), Style(name="oil", prompt="in oil")
    async with Database(tmp_path / "db") as database:
        book = StyleBook(Preferences(database))
        with pytest.raises(InvalidRequest, match="None have been added here"):
            await book.get("here", "ink")
        for style in (oil, ink):
            await book.save("here", style)
    async with Database(tmp_path / "db") as database:
        book = StyleBook(Preferences(database))
        assert await book.all("here") == {"ink": ink, "oil": oil}
        assert await book.all("there") == {}
        assert await book.get("here", "INK") == ink
        with pytest.raises(InvalidRequest, match=r"There's no style “inc”. Did you mean “Ink”\?"):
            await book.get("here", "inc")
        better = Style(name="ink", prompt="in black ink")
        await book.save("here", better)
        assert list(await book.all("here")) == ["ink", "oil"]
        assert await book.remove("here", "Ink") == better
        assert await book.all("here") == {"oil": oil}


async def test_they_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_STYLES == 100
    monkeypatch.setattr("engine.prompts.style_book.MAX_STYLES", 2)
    async with Database(tmp_path / "db") as database:
        book = StyleBook(Preferences(database))
        for name in "ab":
            await book.save("here", Style(name=name, prompt="in ink"))
        with pytest.raises(InvalidRequest, match="There are already 2 styles"):
            await book.save("here", Style(name="c", prompt="in ink"))
        await book.save("here", Style(name="b", prompt="in oil"))


async def test_wishes_are_kept_by_person(tmp_path: Path) -> None:
    async with Database(tmp_path / "db") as database:
        book = StyleBook(Preferences(database))
        assert await book.user_defaults("ada") == UserDefaults()
        await book.set_user_defaults("ada", UserDefaults(ratio="3:2"))
        assert await book.user_defaults("ada") == UserDefaults(ratio="3:2")
        assert await book.user_defaults("bob") == UserDefaults()
