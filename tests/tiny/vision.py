"""Processors of vision-language text encoders that know letters and small pictures."""

from pathlib import Path
from typing import Any

from transformers import Qwen2Tokenizer, Qwen2VLImageProcessorPil

from engine.diffusion.picture_processors import picture_processor

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{{ part['text'] }}{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}"
)
"""What a chat of words looks like to them."""


def processor(folder: Path, class_name: str, letters: Qwen2Tokenizer, **options: Any) -> Any:
    """A processor of that class of Transformers, whose parts are kept in `folder`.

    Args:
        folder: It is made.
        class_name: Its class.
        letters: Its tokenizer.
        options: Of how it cuts pictures up.
    """
    Qwen2VLImageProcessorPil(**options).save_pretrained(folder)
    letters.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE, "utf-8")
    return picture_processor(folder, class_name)
