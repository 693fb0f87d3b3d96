"""From a request body to a message: checks it, then writes it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .component_rules import check_components
from .errors import ApiError, Json, Problem, invalid_form
from .finishing import finish
from .message_rules import check_content, check_embeds, check_mentions, check_no_legacy
from .messages import COMPONENTS_V2, LOADING, Attachment, Message, visible_text
from .uploads import Upload

if TYPE_CHECKING:
    from .world import World

MAX_ATTACHMENTS = 10


def write(
    world: World, message: Message, body: Json, files: Mapping[int, Upload], *, flags: int
) -> None:
    """Put what the bot sent into a message, new or old, or raise what Discord would answer.

    `flags`: the message flags this request may set.
    """
    asked = int(body.get("flags") or 0)
    content = body.get("content", message.content)
    embeds = body.get("embeds", message.embeds)
    components = body.get("components", message.components)
    content = content.strip() if isinstance(content, str) else content or ""
    embeds, components = embeds or [], components or []
    entries = _entries(message, body, files)
    names = {name for each in entries for name in _names(each)}
    v2 = bool((asked | message.flags) & COMPONENTS_V2)
    problems = [
        *check_content(content),
        *check_embeds(embeds),
        *check_mentions(body.get("allowed_mentions")),
        *check_components(components, v2=v2, attachments=names),
        *(check_no_legacy(content, embeds) if v2 else ()),
        *_check_flags(message, body, asked),
    ]
    if len(entries) > MAX_ATTACHMENTS:
        text = f"Must be {MAX_ATTACHMENTS} or fewer in length."
        problems.append(Problem(("attachments",), "BASE_TYPE_MAX_LENGTH", text))
    if problems:
        raise invalid_form(problems)
    guild = message.channel.guild
    limit = guild.attachment_size_limit if guild else world.upload_limit
    if sum(len(file.data) for file in files.values()) > limit:
        raise ApiError(413, 40005, "Request entity too large")
    if not (content or embeds or components or entries):
        raise ApiError(400, 50006, "Cannot send an empty message")
    message.attachments = [_kept_or_stored(world, message, each) for each in entries]
    message.content = content
    message.embeds = copy.deepcopy(embeds)
    message.components = copy.deepcopy(components)
    finish(world, message)
    if not message.looks or message.loading:
        message.pings = list(_pings(message, body.get("allowed_mentions")))
    message.flags = (message.flags & ~LOADING) | (asked & flags)


Entry = Attachment | tuple[Upload, str | None]


def _entries(message: Message, body: Json, files: Mapping[int, Upload]) -> list[Entry]:
    """Attachments after the request: the old ones it keeps and the files it brings."""
    listed = body.get("attachments")
    if listed is None:
        return [*message.attachments, *((file, None) for file in files.values())]
    old = {each.id: each for each in message.attachments}
    entries: list[Entry] = []
    named: set[int] = set()
    for index, item in enumerate(listed):
        id_ = int(item["id"])
        if id_ in files:
            named.add(id_)
            entries.append((files[id_], item.get("description")))
        elif id_ in old:
            entries.append(old[id_])
        else:
            text = f"No file and no attachment has the id {id_}."
            raise invalid_form([Problem(("attachments", index, "id"), "NOT_FOUND", text)])
    return entries + [(file, None) for id_, file in files.items() if id_ not in named]


def _names(entry: Entry) -> Iterator[str]:
    if isinstance(entry, Attachment):
        yield entry.filename
    else:
        yield entry[0].filename


def _kept_or_stored(world: World, message: Message, entry: Entry) -> Attachment:
    if isinstance(entry, Attachment):
        return entry
    upload, description = entry
    stored = world.add_file(message.channel, upload.filename, upload.data)
    stored.description = description
    return stored


def _check_flags(message: Message, body: Json, asked: int) -> Iterator[Problem]:
    fixed = bool(message.flags & COMPONENTS_V2)
    if fixed and body.get("flags") is not None and not asked & COMPONENTS_V2:
        text = "The components V2 flag cannot be removed once it is set."
        yield Problem(("flags",), "MESSAGE_CANNOT_REMOVE_COMPONENTS_V2_FLAG", text)


def _pings(message: Message, allowed: Any) -> Iterator[str]:
    """Who would be notified if the bot had the right to notify everyone."""
    text = "\n".join(visible_text(message.content, [], message.components))
    rules = {"parse": ["users", "roles", "everyone"]} if allowed is None else allowed
    kinds = rules.get("parse") or []
    if "everyone" in kinds and re.search(r"@(everyone|here)\b", text):
        yield "everyone"
    for kind, pattern in (("users", r"<@!?(\d+)>"), ("roles", r"<@&(\d+)>")):
        listed = {str(id_) for id_ in rules.get(kind) or []}
        for id_ in dict.fromkeys(re.findall(pattern, text)):
            if kind in kinds or id_ in listed:
                yield id_
    replied = message.reference if message.interaction is None else None
    if replied is not None and rules.get("replied_user", allowed is None):
        yield str(replied.author.id)
