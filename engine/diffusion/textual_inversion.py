"""Textual inversion: words that were learned as embeddings, in files of a folder.

A file is called like its word. When that word occurs in a prompt, its vectors take the place of
tokens while the prompt is read; neither tokenizer nor text encoder is changed.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from engine.diffusion.prompt_encoding import Vectors, word_pattern
from engine.errors import InvalidRequest
from speech import say

ENDING = ".safetensors"

BY_ENCODER = ("clip_l", "clip_g")
"""Names of the tensors in a file for Stable Diffusion XL, by the place of their text encoder."""


class TextualInversions:
    """The learned words, whatever their case; a file that is put in the folder is one at once."""

    def __init__(self, folder: Path | None = None) -> None:
        """Take the folder, which need not exist."""
        self._folder = folder
        self._tensors: dict[Path, Mapping[str, torch.Tensor]] = {}

    def named_in(self, text: str) -> tuple[str, ...]:
        """The learned words that occur in `text`."""
        files = self._files()
        if not files:
            return ()
        found = re.findall(word_pattern(files), text, flags=re.IGNORECASE)
        return tuple(sorted({word.strip("<>").casefold() for word in found}))

    def vectors(self, text: str, widths: Sequence[int]) -> list[Vectors]:
        """The vectors of the learned words in `text`, for each text encoder.

        Args:
            text: A prompt.
            widths: Numbers in one embedding of each text encoder.

        Raises:
            InvalidRequest: When a file cannot be read, or is for another family of models.
        """
        files = self._files()
        words = {word: self._of(files[word], widths) for word in self.named_in(text)}
        return [{word: own[i] for word, own in words.items()} for i in range(len(widths))]

    def _files(self) -> dict[str, Path]:
        found = sorted(self._folder.glob(f"*{ENDING}")) if self._folder is not None else []
        return {file.stem.casefold(): file for file in found}

    def _of(self, file: Path, widths: Sequence[int]) -> list[torch.Tensor]:
        """One tensor of shape (tokens, width) for each text encoder."""
        tensors = self._read(file)
        if len(widths) > 1:
            found = [tensors[name] for name in BY_ENCODER if name in tensors]
        else:
            found = [tensor for tensor in tensors.values() if tensor.ndim]
        own = [tensor.reshape(-1, tensor.shape[-1]) for tensor in found]
        if [tensor.shape[-1] for tensor in own] != list(widths):
            raise InvalidRequest(
                say(
                    "The embedding “{name}” was made for another model family. Remove it from "
                    "the prompt, or choose a model from that family.",
                    name=file.stem,
                )
            )
        return own

    def _read(self, file: Path) -> Mapping[str, torch.Tensor]:
        if file not in self._tensors:
            try:
                self._tensors[file] = load_file(file)
            except (SafetensorError, OSError) as error:
                raise InvalidRequest(
                    say(
                        "The embedding “{name}” can't be read because its file is damaged.",
                        name=file.stem,
                    )
                ) from error
        return self._tensors[file]
