"""What people see, as HTML: much like Discord shows it, and never more than what was sent."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import discord
import pytest
from discord import ui

from tests.discord_server import DiscordServer, Member
from tests.discord_server.markdown import markdown
from tests.discord_server.page import document, message_html, moment_of, page
from tests.discord_server.screen import Screen

from .conftest import Scene
from .painter_bot import Interaction, file

NASTY = "<script>alert(1)</script> \"><img src=x onerror=alert(2)> </style> & '`"
"""What a page must show as it is, and not obey."""

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = int(NOON.timestamp()) + 90


class Read(HTMLParser):
    """A page as a browser takes it in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html.partition("<body>")[2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All that there is to read."""
        return "".join(self.texts)

    def all(self, tag: str, class_: str = "") -> list[dict[str, str | None]]:
        """The attributes of every element of that kind."""
        return [
            attributes
            for name, attributes in self.tags
            if name == tag and class_ in (attributes.get("class") or "")
        ]


@pytest.fixture
def alice() -> Member:
    """Somebody in a guild with a channel called art."""
    guild = DiscordServer().add_guild("Painters")
    guild.add_channel("art")
    return guild.add_member("alice")


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("plain", "<p>plain</p>"),
        ("**bold** and *slanted*", "<p><strong>bold</strong> and <em>slanted</em></p>"),
        ("**a __b__ ~~c~~**", "<p><strong>a <u>b</u> <s>c</s></strong></p>"),
        (r"\*not\* snake_case \_", "<p>*not* snake_case _</p>"),
        (r"**a \*\* b**", "<p><strong>a ** b</strong></p>"),
        ("2 * 3 * 4", "<p>2 * 3 * 4</p>"),
        ("`**code**`", "<p><code>**code**</code></p>"),
        ("a\nb", "<p>a\nb</p>"),
        ("## Title\ntext\n-# small", "<h2>Title</h2><p>text</p><small>small</small>"),
        ("#hashtag", "<p>#hashtag</p>"),
        ("- one\n- two", "<ul><li>one</li><li>two</li></ul>"),
        ("> said", "<blockquote>said</blockquote>"),
        ("```\n**a**\n\nb\n```", "<pre>**a**\n\nb</pre>"),
        ("||secret||", '<p><span class="spoiler">secret</span></p>'),
        ("[here](https://a.b/c)", '<p><a href="https://a.b/c">here</a></p>'),
        ("[here](javascript:x)", "<p>[here](javascript:x)</p>"),
        (f"<t:{LATER}:R>", "<p><time>in 2 minutes</time></p>"),
        (f"<t:{LATER}:f>", "<p><time>March 01, 2026 at 12:01</time></p>"),
        ("</model use:12>", '<p><span class="mention">/model use</span></p>'),
        ("<@1>", '<p><span class="mention">@unknown-user</span></p>'),
        ("<b> &amp; \"'", "<p>&lt;b&gt; &amp;amp; &quot;&#x27;</p>"),
    ],
)
def test_markdown(alice: Member, source: str, html: str) -> None:
    assert markdown(source, Screen(alice, NOON)) == html


def test_ids_are_shown_as_names(alice: Member) -> None:
    [art] = alice.guild.channels.values()
    html = markdown(f"{alice.mention} in <#{art.id}>", Screen(alice, NOON))
    assert Read(f"<body>{html}").text == "@alice in #art"


@pytest.mark.parametrize(
    ("after", "english", "chinese"),
    [
        (timedelta(seconds=1), "in 1 second", "1 秒后"),
        (timedelta(seconds=-40), "40 seconds ago", "40 秒前"),
        (timedelta(hours=3), "in 3 hours", "3 小时后"),
        (timedelta(days=-400), "1 year ago", "1 年前"),
    ],
)
def test_the_client_counts_in_its_language(
    alice: Member, after: timedelta, english: str, chinese: str
) -> None:
    assert Screen(alice, NOON).moment(NOON + after, "R") == english
    alice.locale = "zh-CN"
    assert Screen(alice, NOON).moment(NOON + after, "R") == chinese


def everything(colour: int) -> ui.LayoutView:
    """A layout with each kind of component."""
    view = ui.LayoutView()
    inside: ui.Container[ui.LayoutView] = ui.Container(accent_colour=colour)
    inside.add_item(ui.TextDisplay("## A red house"))
    thumbnail = ui.Thumbnail[ui.LayoutView]("attachment://a.png", description=NASTY)
    inside.add_item(ui.Section("beside", accessory=thumbnail))
    inside.add_item(ui.MediaGallery(discord.MediaGalleryItem("attachment://a.png")))
    inside.add_item(ui.Separator())
    inside.add_item(ui.File("attachment://notes.txt"))
    inside.add_item(
        ui.ActionRow(
            ui.Button(label="Again", emoji="🔁", custom_id="a", style=discord.ButtonStyle.primary),
            ui.Button(label="Later", custom_id="b", disabled=True),
            ui.Button(label="Site", url="https://a.b"),
        )
    )
    options = [
        discord.SelectOption(label=name, value=name, default=name == "blue")
        for name in ("red", "blue")
    ]
    inside.add_item(ui.ActionRow(ui.Select(custom_id="c", options=options)))
    inside.add_item(ui.ActionRow(ui.ChannelSelect(custom_id="d", placeholder="Everywhere")))
    view.add_item(inside)
    return view


async def test_a_layout_is_drawn_with_the_pictures_that_came_with_it(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        files = [file("a.png"), file("notes.txt", b"notes")]
        await interaction.response.send_message(view=everything(0x4F9D69), files=files)

    message = await (await scene.alice.slash(scene.art, "act")).message()
    read = Read(page(Screen(scene.alice, message.created), message))
    pictures = read.all("img")
    assert len(pictures) == 2
    for each in pictures:
        data = (each["src"] or "").removeprefix("data:image/png;base64,")
        assert base64.b64decode(data) == message.attachments[0].read()
    assert pictures[0]["alt"] == NASTY
    assert [each["style"] for each in read.all("div", "container")] == ["border-left-color:#4f9d69"]
    kinds = [(each["class"], "disabled" in each) for each in read.all("button")]
    assert kinds == [
        ("button primary", False),
        ("button secondary", True),
        ("button secondary", False),
    ]
    for shown in ("alice used /act", "A red house", "notes.txt", "🔁Again", "blue", "Everywhere"):
        assert shown in read.text
    assert "red" not in read.text.replace("A red house", ""), "only what is chosen is shown"


async def test_what_people_write_stays_text(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.send_message(
            NASTY,
            file=file("a.png"),
            view=ui.View().add_item(ui.Button(label=NASTY, custom_id="a")),
        )

    message = await (await scene.alice.slash(scene.art, "act")).message()
    read = Read(page(Screen(scene.alice, message.created), message))
    assert read.text.count(NASTY) == 2
    assert {tag for tag, _ in read.tags} <= {"main", "div", "span", "time", "p", "button", "img"}
    assert not [key for _, each in read.tags for key in each if key.startswith("on")]
    [shown] = read.all("img")
    assert (shown["src"] or "").startswith("data:image/png;base64,")


async def test_each_sees_it_in_the_language_of_their_client(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.send_message("painted", ephemeral=True)

    message = await (await scene.bob.slash(scene.art, "act")).message()
    command = next(c for c in scene.discord.world.commands[None] if c["name"] == "act")
    command["name_localizations"] = {"zh-CN": "画"}
    screen = Screen(scene.bob, message.created)
    html = page(screen, message)
    assert '<html lang="zh-CN">' in html
    assert "bob 使用了 /画" in Read(html).text
    assert "只有您能看到此消息" in Read(html).text
    scene.bob.locale = "en-US"
    assert "Only you can see this" in Read(page(screen, message)).text


async def test_what_a_message_once_looked_like_can_be_drawn(scene: Scene) -> None:
    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.send_message("halfway", file=file())
        await interaction.edit_original_response(content="done", attachments=[])

    message = await (await scene.alice.slash(scene.art, "act")).message()
    await scene.discord.until(lambda: message.edits)
    first, last = message.looks
    assert timedelta() == moment_of(message, first) < moment_of(message, last)
    screen = Screen(scene.alice, message.created + moment_of(message, first))
    read = Read(document(message_html(screen, message, first)))
    assert "halfway" in read.text
    assert len(read.all("img")) == 1
    assert not Read(page(screen, message)).all("img")


async def test_a_modal_is_drawn_with_what_is_in_its_fields(scene: Scene) -> None:
    class Form(ui.Modal, title="Remix <it>"):
        prompt: ui.Label[Any] = ui.Label(
            text="Prompt",
            component=ui.TextInput(default=NASTY, style=discord.TextStyle.paragraph),
        )
        seed: ui.Label[Any] = ui.Label(
            text="Seed",
            description="Empty: a new one",
            component=ui.TextInput(required=False, placeholder="17"),
        )

    @scene.act
    async def script(interaction: Interaction) -> None:
        await interaction.response.send_modal(Form())

    modal = await (await scene.alice.slash(scene.art, "act")).modal()
    read = Read(page(Screen(scene.alice, NOON), modal))
    assert read.text.index("Remix <it>") < read.text.index("Prompt*") < read.text.index(NASTY)
    assert "Seed(optional)Empty: a new one17" in read.text
    assert [each["class"] for each in read.all("div", "input")] == ["input long", "input"]
    assert [each["class"] for each in read.all("button")] == ["button secondary", "button primary"]
