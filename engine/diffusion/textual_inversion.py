"""Textual inversion: words that were trained as embeddings, in the files of a folder.

A file has the name of its word. If that word occurs in a prompt, its vectors replace its tokens
while the prompt is encoded; neither tokenizer nor text encoder is changed.
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

SUFFIX = ".safetensors"

SDXL_TENSORS = ("clip_l", "clip_g")
"""Names of the tensors in a file for Stable Diffusion XL, one for each text encoder."""


class TextualInversions:
    """The words of a folder, in any case; a file that is added to the folder counts at once."""

    def __init__(self, folder: Path | None = None) -> None:
        """Take the folder, which may not exist."""
        self._folder = folder
        self._tensors: dict[Path, Mapping[str, torch.Tensor]] = {}

    def named_in(self, text: str) -> tuple[str, ...]:
        """The words that occur in `text`."""
        files = self._files()
        if not files:
            return ()
        found = re.findall(word_pattern(files), text, flags=re.IGNORECASE)
        return tuple(sorted({word.strip("<>").casefold() for word in found}))

    def vectors(self, text: str, widths: Sequence[int]) -> list[Vectors]:
        """The vectors of the words that occur in `text`, for each text encoder.

        Args:
            text: A prompt.
            widths: Size of an embedding of each text encoder.

        Raises:
            InvalidRequest: When a file can't be read, or is for another model family.
        """
        files = self._files()
        words = {word: self._vectors_in(files[word], widths) for word in self.named_in(text)}
        return [{word: own[i] for word, own in words.items()} for i in range(len(widths))]

    def _files(self) -> dict[str, Path]:
        found = sorted(self._folder.glob(f"*{SUFFIX}")) if self._folder is not None else []
        return {file.stem.casefold(): file for file in found}

    def _vectors_in(self, file: Path, widths: Sequence[int]) -> list[torch.Tensor]:
        """One tensor of shape (tokens, width) for each text encoder."""
        tensors = self._read(file)
        if len(widths) > 1:
            found = [tensors[name] for name in SDXL_TENSORS if name in tensors]
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
