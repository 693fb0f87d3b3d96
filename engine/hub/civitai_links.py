"""What names a model on Civitai: an ID, a hash, a link, or an AIR.

civitai:12345                                     a version
civitai:827184@2514310                            a version, after its model
civitai:67AB2FD8EC                                a file, by a hash of it
urn:air:sdxl:checkpoint:civitai:827184@2514310    a version, as Civitai names resources
https://civitai.com/models/1/x?modelVersionId=2   a version
https://civitai.com/models/1/x                    a model, whose newest version is meant
"""

import re
from typing import NamedTuple
from urllib.parse import parse_qs

from engine.errors import ModelUnavailable
from engine.hub.links import split_link
from speech import say

SITE = re.compile(r"(?:[\w-]+\.)?civitai\.(?:com|red|green)")
LINK = re.compile(r"(?:https?://|(?=(?:www\.)?civitai\.(?:com|red|green)/))", re.IGNORECASE)
SHORT = re.compile(
    r"(?:urn:air:[\w-]{1,30}:[\w-]{1,30}:)?civitai:"
    r"(?:(?:\d{1,10}@)?(?P<version>\d{1,9})|(?P<digest>[0-9A-Fa-f]{10,64}))",
    re.IGNORECASE,
)
ID = re.compile(r"\d{1,9}")


class CivitaiRef(NamedTuple):
    """What is named; one of them is set.

    Attributes:
        version: The ID of a version.
        model: The ID of a model.
        digest: A hash of a file.
    """

    version: int | None = None
    model: int | None = None
    digest: str | None = None


def civitai_ref(text: str) -> CivitaiRef | None:
    """What on Civitai `text` names; `None` if it names nothing there.

    Raises:
        ModelUnavailable: It is a link to something on Civitai that isn't a model.
    """
    if short := SHORT.fullmatch(text):
        if short["version"]:
            return CivitaiRef(version=int(short["version"]))
        return CivitaiRef(digest=short["digest"].lower())
    link = split_link(text, LINK)
    if link is None or not SITE.fullmatch(link.hostname or ""):
        return None
    match [part for part in link.path.split("/") if part]:
        case ["models", model, *_] if ID.fullmatch(model):
            version = parse_qs(link.query).get("modelVersionId", [""])[0]
            if ID.fullmatch(version):
                return CivitaiRef(version=int(version))
            return CivitaiRef(model=int(model))
        case ["api", "download", "models", version] | ["model-versions", version] if ID.fullmatch(
            version
        ):
            return CivitaiRef(version=int(version))
        case ["api", "v1", "model-versions", version] if ID.fullmatch(version):
            return CivitaiRef(version=int(version))
    raise ModelUnavailable(
        say(
            "“{link}” isn't a link to a model on Civitai. Use the link of the model's page, or "
            "civitai: and the number after modelVersionId= in it.",
            link=text,
        )
    )


def civitai_source(version: int) -> str:
    """The source of a version, as it is stored."""
    return f"civitai:{version}"
