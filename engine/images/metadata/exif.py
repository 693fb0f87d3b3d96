"""The texts in a block of EXIF (TIFF 6.0, Exif 2.32): comments, whatever their encoding.

Pillow reads EXIF too, but raises many errors at odd tags and decodes some texts wrongly.
"""

import struct

NAMES = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x9C9C: "XPComment",
    0x9286: "UserComment",
    0x927C: "MakerNote",
}
"""The tags that are read, wherever they are."""

EXIF_IFD = 0x8769

TYPE_SIZES = {1: 1, 2: 1, 7: 1, 3: 2, 4: 4}

MAX_ENTRIES = 2000
MAX_VALUE = 2_000_000

MARKS = (b"UNICODE\0", b"ASCII\0\0\0", b"JIS\0\0\0\0\0", b"\0" * 8)
"""The eight bytes before a comment that name its encoding (Exif 2.32, 4.6.5)."""

PREFIXES = {"prompt": "prompt", "workflow": "workflow"}
"""What ComfyUI writes before a text in a camera's tags, and the keyword that it has in PNGs."""


def exif_texts(block: bytes) -> dict[str, str]:
    """The texts of a block of EXIF by the names of their tags; what can't be read is left out."""
    block = block.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return {}
    texts: dict[str, str] = {}
    try:
        entries = _entries(block, order, struct.unpack_from(order + "I", block, 4)[0])
        pointer = entries.pop(EXIF_IFD, b"")
        if len(pointer) == 4:
            offset = struct.unpack(order + "I", pointer)[0]
            entries = _entries(block, order, offset) | entries
    except struct.error:
        return {}
    for tag, value in entries.items():
        if tag in NAMES and (text := decoded(value, order, wide=tag == 0x9C9C)):
            prefix, _, rest = text.partition(":")
            if (keyword := PREFIXES.get(prefix.lower())) and rest.lstrip().startswith("{"):
                texts.setdefault(keyword, rest)
            texts[NAMES[tag]] = text
    return texts


def _entries(block: bytes, order: str, at: int) -> dict[int, bytes]:
    """The values of one directory."""
    (count,) = struct.unpack_from(order + "H", block, at)
    values: dict[int, bytes] = {}
    for i in range(min(count, MAX_ENTRIES)):
        row = at + 2 + 12 * i
        if row + 12 > len(block):
            break
        tag, kind, number = struct.unpack_from(order + "HHI", block, row)
        if tag not in NAMES and tag != EXIF_IFD:
            continue
        size = TYPE_SIZES.get(kind, 0) * number
        if not 0 < size <= MAX_VALUE:
            continue
        start = row + 8 if size <= 4 else struct.unpack_from(order + "I", block, row + 8)[0]
        values.setdefault(tag, block[start : start + size])
    return values


def decoded(value: bytes, order: str = ">", *, wide: bool = False) -> str:
    """A comment as text: UTF-16 of either order, UTF-8 or Latin-1, with or without a mark."""
    mark = value[:8] if value[:8] in MARKS else b""
    value = value[len(mark) :]
    if mark.startswith(b"JIS"):
        return value.decode("iso2022_jp", "replace").strip("\0 ")
    if mark.startswith(b"ASCII"):
        return _narrow(value)
    if value[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return value.decode("utf-16", "replace").strip("\0 ")
    if b"\0" not in value.rstrip(b"\0") and not wide:
        try:
            return value.rstrip(b"\0").decode("utf-8").strip()
        except UnicodeDecodeError:
            if not mark:
                return _narrow(value)
    elif not (mark or wide) and value.rstrip(b"\0").count(0) * 8 < len(value):
        return _narrow(value)
    texts = [value.decode(name, "replace") for name in ("utf-16-be", "utf-16-le")]
    if order == "<":
        texts.reverse()
    return max(texts, key=_likeliness).strip("\0 ")


def _narrow(value: bytes) -> str:
    value = value.strip(b"\0 ")
    try:
        return value.decode("utf-8").replace("\0", "")
    except UnicodeDecodeError:
        return value.decode("latin-1").replace("\0", "")


def _likeliness(text: str) -> int:
    """How much a text looks like one: ASCII counts, and what is none counts against it."""
    sample = text[:4000]
    return sum(2 if " " <= char <= "~" or char == "\n" else -1 for char in sample) - 10 * (
        sample.count("\ufffd")
    )
