"""Components of a message or a modal as HTML."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .component_rules import CONTAINER, FILE, GALLERY, ROW, SECTION, SEPARATOR, THUMBNAIL
from .component_rules import TEXT as TEXT_DISPLAY
from .control_rules import LINK, SELECTS
from .errors import Json
from .markdown import markdown
from .markup import div, element, span, text
from .messages import Attachment
from .modal_rules import FILE_UPLOAD, LABEL, TEXT_INPUT
from .screen import Screen

BUTTON = 2
STYLES = {1: "primary", 2: "secondary", 3: "success", 4: "danger", LINK: "secondary"}
PARAGRAPH = 2
"""The style of a text input of several lines."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Draws components; `attachments` are the files that they may show."""

    screen: Screen
    attachments: Sequence[Attachment] = ()

    def draw(self, parts: Sequence[Json]) -> str:
        """The components, one below the other."""
        return "".join(self.part(part) for part in parts)

    def part(self, part: Json) -> str:
        """One component, with all that is in it."""
        drawers: dict[int, Callable[[Json], str]] = {
            ROW: lambda row: div("row", self.draw(row["components"])),
            BUTTON: self._button,
            TEXT_INPUT: self._text_input,
            SECTION: self._section,
            TEXT_DISPLAY: lambda part: div("text", markdown(part["content"], self.screen)),
            THUMBNAIL: lambda part: div("thumbnail", self._media(part)),
            GALLERY: self._gallery,
            FILE: lambda part: self.file(self._attached(part["file"])),
            SEPARATOR: lambda part: div("separator line" if part["divider"] else "separator"),
            CONTAINER: self._container,
            LABEL: self._label,
            FILE_UPLOAD: lambda _: div("input upload", "⬆"),
            **dict.fromkeys(SELECTS, self._select),
        }
        return drawers[part["type"]](part)

    def file(self, file: Attachment | None) -> str:
        """A file that is no picture, or is not shown as one."""
        assert file is not None, "a file component names an attachment"
        size = f"{max(1, len(file.data) // 1024)} KB"
        return div("file", text(file.filename), element("small", size))

    def picture(self, file: Attachment, said: str = "") -> str:
        """An attached picture, its bytes in the page; `said` is what it shows."""
        data = base64.b64encode(file.data).decode()
        source = f"data:{file.content_type};base64,{data}"
        return element("img", src=source, alt=said or file.description or "")

    def _container(self, part: Json) -> str:
        colour = part.get("accent_color")
        style = None if colour is None else f"border-left-color:#{colour:06x}"
        class_ = "container" if colour is None else "container accent"
        return element("div", self.draw(part["components"]), class_=class_, style=style)

    def _section(self, part: Json) -> str:
        return div("section", div("", self.draw(part["components"])), self.part(part["accessory"]))

    def _gallery(self, part: Json) -> str:
        items = [div("item", self._media(item)) for item in part["items"]]
        return div(f"gallery of{len(items)}", *items)

    def _media(self, item: Json) -> str:
        """A picture from the CDN; one from elsewhere is not fetched: its description is shown."""
        file = self._attached(item["media"])
        said = item.get("description") or ""
        if file is None or file.width is None:
            return div("elsewhere", text(said or item["media"]["url"]))
        covered = span("cover") if item.get("spoiler") else ""
        return self.picture(file, said) + covered

    def _attached(self, media: Json) -> Attachment | None:
        id_ = media.get("attachment_id")
        return next((each for each in self.attachments if str(each.id) == id_), None)

    def _button(self, part: Json) -> str:
        emoji = _emoji(part)
        label = text((part.get("label") or "") + (" ↗" if part["style"] == LINK else ""))
        disabled = "" if part.get("disabled") else None
        class_ = f"button {STYLES[part['style']]}"
        return element("button", emoji, label, class_=class_, disabled=disabled)

    def _select(self, part: Json) -> str:
        chosen = [
            span("chosen", _emoji(option), text(option["label"]))
            for option in part.get("options", [])
            if option.get("default")
        ]
        for value in part.get("default_values", []):
            names = {"user": self.screen.user, "role": self.screen.role}
            name = names.get(value["type"], self.screen.channel)
            chosen.append(span("chip", text(name(int(value["id"])))))
        empty = part.get("placeholder") or self.screen.words.choose
        shown = "".join(chosen) or span("placeholder", text(empty))
        return div("input select", div("", shown), span("arrow", "⌄"))

    def _label(self, part: Json) -> str:
        field = part["component"]
        needed = field.get("required", True)
        mark = span("needed", "*") if needed else element("small", text(self.screen.words.optional))
        described = part.get("description")
        more = div("description", text(described)) if described else ""
        return div("label", div("name", text(part["label"]), mark), more, self.part(field))

    def _text_input(self, part: Json) -> str:
        """With a name of its own when it is in a row: so it was before there were labels."""
        name = div("name", text(part["label"])) if part.get("label") else ""
        value = part.get("value")
        shown = text(value) if value else span("placeholder", text(part.get("placeholder") or ""))
        class_ = "input long" if part["style"] == PARAGRAPH else "input"
        return name + div(class_, shown)


def _emoji(part: Json) -> str:
    emoji = part.get("emoji") or {}
    if not emoji:
        return ""
    return span("emoji", text(f":{emoji['name']}:" if emoji.get("id") else emoji["name"]))
