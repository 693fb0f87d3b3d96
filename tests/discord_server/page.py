"""Messages and modals as one self-contained HTML page, from what the bot has sent.

    html = page(Screen(alice, now), message, modal)

It looks much like Discord does. Pictures are in the page as they were attached; nothing is
fetched from anywhere, and nothing that people wrote is anything but text.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from .guilds import User
from .markdown import inline, markdown
from .markup import div, element, span, text
from .messages import Attachment, Look, Message
from .modals import Modal
from .page_parts import Parts
from .screen import Screen

CSS = Path(__file__).with_name("page.css")

COLOURS = ("#5865f2", "#757e8a", "#3ba55c", "#faa61a", "#ed4245", "#eb459f")
"""Of the round pictures of people who have none."""

COMMAND = 2
"""The type of an interaction that is a command."""


def page(screen: Screen, *shown: Message | Modal) -> str:
    """The page, messages as they are now, modals as they opened."""
    return document(
        *(
            message_html(screen, each) if isinstance(each, Message) else modal_html(screen, each)
            for each in shown
        ),
        language=screen.reader.locale,
    )


def document(*inner: str, language: str = "en-US") -> str:
    """A page with what `message_html` and `modal_html` have made."""
    head = element("meta", charset="utf-8") + element("style", CSS.read_text("utf-8"))
    head += element("title", "Discord")
    body = element("body", element("main", *inner))
    return "<!doctype html>\n" + element("html", element("head", head), body, lang=language) + "\n"


def moment_of(message: Message, look: Look) -> timedelta:
    """How long after the message was written it took on that look."""
    return timedelta(seconds=look.at - message.looks[0].at)


def message_html(screen: Screen, message: Message, look: Look | None = None) -> str:
    """A message, as it is now or as it once looked."""
    look = look or message.looks[-1]
    parts = Parts(screen, look.attachments)
    at = message.created
    day = "" if at.date() == screen.now.date() else screen.moment(at, "d") + " "
    name = [span("author", text(message.author.name))]
    if message.author.bot:
        name.append(span("app", "APP"))
    name.append(element("time", text(day + screen.moment(at, "t"))))
    body = [_said(screen, message, look), parts.draw(look.components), _files(parts, look)]
    if message.ephemeral:
        body.append(div("only", text(screen.words.only_you)))
    class_ = "message ephemeral" if message.ephemeral else "message"
    lines = div("body", div("name", *name), *body)
    return div(class_, _above(screen, message), _face(message.author), lines)


def modal_html(screen: Screen, modal: Modal) -> str:
    """A modal in front of the person for whom it was opened."""
    buttons = [
        element("button", text(screen.words.cancel), class_="button secondary"),
        element("button", text(screen.words.submit), class_="button primary"),
    ]
    title = div("title", _face(modal.interaction.world.bot), span("", text(modal.title)))
    fields = div("fields", Parts(screen).draw(modal.data["components"]))
    return div("backdrop", div("modal", title, fields, div("buttons", *buttons)))


def _above(screen: Screen, message: Message) -> str:
    """What the message answers: the use of a command, or another message."""
    used = message.interaction
    if used is not None and used.type == COMMAND and message.reference is None:
        who = _face(used.person.user) + span("author", text(used.person.name))
        slash = used.name.startswith("/")
        name = screen.command(used.name) if slash else used.name
        said = text(screen.words.used).format(who, span("mention", text(name)))
        return div("above", said)
    if message.reference is not None:
        other = message.reference
        [first, *_] = [*other.text().splitlines(), ""]
        who = _face(other.author) + span("author", text(other.author.name))
        return div("above", who, span("first", inline(first, screen)))
    return ""


def _said(screen: Screen, message: Message, look: Look) -> str:
    if message.loading:
        return div("text", element("i", text(screen.words.thinking.format(message.author.name))))
    if not look.content:
        return ""
    edited = element("small", text(screen.words.edited)) if message.edited else ""
    return div("text", markdown(look.content, screen), edited)


def _files(parts: Parts, look: Look) -> str:
    """Attachments of a message without components; in others only components show them."""
    if look.components and not look.content:
        return ""
    pictures = [each for each in look.attachments if each.width is not None]
    shown = [div("item", parts.picture(each)) for each in pictures]
    others: list[Attachment] = [each for each in look.attachments if each.width is None]
    gallery = div(f"gallery of{len(shown)}", *shown) if shown else ""
    return gallery + "".join(parts.file(each) for each in others)


def _face(user: User) -> str:
    colour = COLOURS[0] if user.bot else COLOURS[1 + ord(user.name[0]) % (len(COLOURS) - 1)]
    letter = text(user.name[:1].upper())
    return element("span", letter, class_="face", style=f"background:{colour}")
