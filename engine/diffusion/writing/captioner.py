"""Captioning and vision-language models of Transformers: what a picture shows, as prompts."""

from pathlib import Path
from typing import Any, Self

import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from engine.diffusion.checked_loading import LOADING_ERRORS
from engine.diffusion.picture_processors import KINDS, picture_processor
from engine.diffusion.writing.loading import load, not_loaded
from engine.errors import ModelUnavailable
from engine.hub.language_files import PROCESSORS
from engine.hub.local_files import read_json
from speech import say

COUNT = 4
"""How many captions of a picture there are."""

ATTEMPTS = 8
"""Captions that are made at most to get `COUNT` different ones."""

TASKS = ("<CAPTION>", "<DETAILED_CAPTION>", "<MORE_DETAILED_CAPTION>")
"""What Florence-2 is asked, from a line to a paragraph (its processor spells them out)."""

INSTRUCTIONS = (
    "Describe this picture in one short sentence.",
    "Describe this picture in detail as a prompt for an image generator: the subject, its "
    "surroundings, light and colours. Answer with one paragraph of at most 60 words.",
    "Describe how this picture is made, as a prompt for an image generator: first the subject in a "
    "few words, then medium, style, composition, lighting and mood. At most 50 words.",
    "List what this picture shows as 15 to 25 keywords for an image generator, separated by "
    "commas.",
)
"""What a model that chats is asked."""

MAX_TOKENS = 160
"""Tokens of a caption; about 120 words."""

CHAT_SIDE = 512
"""Pixels a side of a picture in a chat: models that chat read a token for 28² to 32² of them."""

NUCLEUS = 0.9
"""Share of the likeliest words that are sampled from (Holtzman et al., arXiv:1904.09751)."""


class Captioner:
    """Writes captions. It belongs to one thread at a time."""

    def __init__(self, model: Any, processor: Any) -> None:
        """Prepare to write.

        Args:
            model: A Transformers model that turns pictures into text.
            processor: Prepares pictures and text for the model.
        """
        self._model, self._processor = model, processor
        self._chats = getattr(processor, "chat_template", None) is not None
        if model.config.model_type == "florence2":
            self._questions: tuple[str | None, ...] = TASKS
        else:
            self._questions = INSTRUCTIONS if self._chats else (None,)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load the model in `folder`. Raises `ModelUnavailable` as `loading.load` does."""
        try:
            processor = _processor(folder)
        except LOADING_ERRORS as error:
            raise not_loaded(error) from error
        if not hasattr(processor, "image_processor") or not hasattr(processor, "tokenizer"):
            raise ModelUnavailable(
                say("The language model couldn't be loaded: its processor reads no pictures.")
            )
        return cls(load(AutoModelForImageTextToText, folder), processor)

    def captions(self, image: Image.Image) -> list[str]:
        """Up to `COUNT` different captions of an RGB picture, the same each time.

        The model answers each of its questions with the likeliest words; after those, it draws from
        them with fixed seeds.
        """
        found: dict[str, str] = {}
        for attempt in range(ATTEMPTS):
            if text := self._caption(image, attempt).strip():
                found.setdefault(text.casefold(), text)
            if len(found) == COUNT:
                break
        return list(found.values())

    @torch.inference_mode()
    def _caption(self, image: Image.Image, attempt: int) -> str:
        last = len(self._questions) - 1
        inputs = self._inputs(image, self._questions[min(attempt, last)])
        inputs = inputs.to(self._model.dtype)
        options: dict[str, Any] = {"max_new_tokens": MAX_TOKENS, "do_sample": False}
        if attempt > last:
            options |= {"do_sample": True, "top_p": NUCLEUS, "num_beams": 1}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(attempt)
            tokens = self._model.generate(**inputs, **options)[0]
        if "input_ids" in inputs and not self._model.config.is_encoder_decoder:
            tokens = tokens[inputs["input_ids"].shape[1] :]
        text: str = self._processor.tokenizer.decode(tokens, skip_special_tokens=True)
        return text

    def _inputs(self, image: Image.Image, question: str | None) -> Any:
        if question is None:
            return self._processor(images=image, return_tensors="pt")
        if self._questions is not INSTRUCTIONS:
            return self._processor(images=image, text=question, return_tensors="pt")
        image = image.copy()
        image.thumbnail((CHAT_SIDE, CHAT_SIDE))
        content = [{"type": "image"}, {"type": "text", "text": question}]
        text = self._processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
        )
        return self._processor(images=[image], text=[text], return_tensors="pt")


def _processor(folder: Path) -> Any:
    """The processor in `folder`, with Pillow's part for pictures: the other needs torchvision."""
    named = (
        read_json(folder / name)
        for name in (*PROCESSORS, "tokenizer_config.json")
        if (folder / name).is_file()
    )
    class_name = next((name for each in named if (name := each.get("processor_class"))), None)
    if class_name in KINDS:
        return picture_processor(folder, class_name)
    return AutoProcessor.from_pretrained(
        folder, backend="pil", local_files_only=True, trust_remote_code=False
    )
