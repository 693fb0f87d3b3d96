"""Names of devices, as the settings have them."""

import re
from collections.abc import Sequence
from typing import Any

NAME = re.compile(r"auto|cpu|mps|(cuda|xpu)(:\d+)?")

WORDS = (
    "auto uses a GPU if there is one. Or: cpu, cuda (NVIDIA and AMD), cuda:1, xpu (Intel), mps "
    '(Apple). Or a list of several that paint at the same time, such as ["cuda:0", "cuda:1"].'
)


def checked_devices(value: Any) -> str | tuple[str, ...]:
    """One device as its name, several as a tuple; a text may name several with commas.

    Raises:
        ValueError: When that isn't possible; the text is a sentence for the owner.
    """
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise ValueError(WORDS)
    names = [name.strip() for name in names]
    if not names or not all(map(NAME.fullmatch, names)):
        raise ValueError(WORDS)
    if len(names) == 1:
        return names[0]
    if "auto" in names:
        raise ValueError("“auto” chooses one device, so it can't be in a list.")
    seen: dict[str, str] = {}
    for name in names:
        real = f"{name}:0" if name in ("cuda", "xpu") else name
        if real in seen:
            both = name if seen[real] == name else f"{seen[real]} and {name}"
            raise ValueError(f"A device can be in the list only once: {both}.")
        seen[real] = name
    return tuple(names)
