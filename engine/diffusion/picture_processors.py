"""Processors of vision-language text encoders, which read pictures beside words."""

import json
from pathlib import Path
from typing import Any

import transformers

KINDS = frozenset({"Qwen2VLProcessor", "Qwen2_5_VLProcessor", "Qwen3VLProcessor"})
"""Classes of Transformers that read words, pictures and videos."""


CONFIGS = ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json")
"""Where a processor's class is named, if all that an index says is that it is one."""


def reads_pictures(folder: Path, class_name: str) -> bool:
    """Whether the component in `folder` is one that `picture_processor` loads."""
    return _class_of(folder, class_name) in KINDS


def _class_of(folder: Path, class_name: str) -> str:
    for name in CONFIGS if class_name == "AutoProcessor" else ():
        if (folder / name).is_file():
            found = json.loads((folder / name).read_text("utf-8")).get("processor_class")
            if isinstance(found, str):
                return found
    return class_name


def picture_processor(folder: Path, class_name: str) -> Any:
    """The processor in `folder`, for words and pictures.

    Its part for videos, which no pipeline here uses, and its quicker part for pictures need
    torchvision, so it comes without the one and with Pillow's in place of the other.

    Args:
        folder: Where its files are.
        class_name: One of `KINDS`, or `AutoProcessor` where the files say which.
    """
    class_name = _class_of(folder, class_name)
    kind: Any = getattr(transformers, class_name)

    def begin(
        processor: Any,
        image_processor: Any = None,
        tokenizer: Any = None,
        chat_template: str | None = None,
    ) -> None:
        kind.__init__(processor, image_processor, tokenizer, chat_template=chat_template)

    # Transformers loads those parts that `__init__` takes.
    without_videos: Any = type(
        class_name, (kind,), {"__init__": begin, "__module__": kind.__module__}
    )
    return without_videos.from_pretrained(folder, backend="pil", local_files_only=True)
