"""Textual inversion: words that were trained as embeddings, in the files of a folder.

A file has the name of its word. If that word occurs in a prompt, its vectors replace its tokens
while the prompt is encoded; neither tokenizer nor text encoder is changed.
"""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from engine.diffusion.prompt_encoding import Vectors
from engine.errors import InvalidRequest
from engine.models.embeddings import SUFFIXES, embedding_files, words_in
from speech import say

SDXL_TENSORS = ("clip_l", "clip_g")
"""Names of the tensors in a file for Stable Diffusion XL, one for each text encoder."""


class TextualInversions:
    """The words of a folder and those in it, in any case; a file that is added counts at once."""

    def __init__(self, folder: Path | None = None) -> None:
        """Take the folder, which may not exist."""
        self._folder = folder
        self._tensors: dict[Path, Mapping[str, torch.Tensor]] = {}

    def named_in(self, text: str) -> tuple[str, ...]:
        """The words that occur in `text`."""
        return words_in(text, embedding_files(self._folder))

    def vectors(self, text: str, widths: Sequence[int]) -> list[Vectors]:
        """The vectors of the words that occur in `text`, for each text encoder.

        Args:
            text: A prompt.
            widths: Size of an embedding of each text encoder.

        Raises:
            InvalidRequest: When a file can't be read, or is for another model family.
        """
        files = embedding_files(self._folder)
        words = {word: self._vectors_in(files[word], widths) for word in words_in(text, files)}
        return [{word: own[i] for word, own in words.items()} for i in range(len(widths))]

    def refuse(self, text: str, family: str) -> None:
        """Raise `InvalidRequest` if a word occurs in `text`, for a family that takes none."""
        for word in self.named_in(text):
            raise InvalidRequest(
                say(
                    "{family} models can't use embeddings. Remove “{name}” from the prompt.",
                    family=family,
                    name=word,
                )
            )

    def _vectors_in(self, file: Path, widths: Sequence[int]) -> list[torch.Tensor]:
        """One tensor of shape (tokens, width) for each text encoder."""
        tensors = self._read(file)
        if len(widths) > 1:
            found = [tensors[name] for name in SDXL_TENSORS if name in tensors]
        else:
            found = [each for each in tensors.values() if each.is_floating_point() and each.ndim]
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
                self._tensors[file] = _load(file)
            except pickle.UnpicklingError as error:
                raise InvalidRequest(
                    say(
                        "The embedding “{name}” can't be read, because its file is damaged or "
                        "contains more than numbers. Get it as a .safetensors file.",
                        name=file.stem,
                    )
                ) from error
            except (SafetensorError, OSError, EOFError, RuntimeError, ValueError) as error:
                raise InvalidRequest(
                    say(
                        "The embedding “{name}” can't be read because its file is damaged.",
                        name=file.stem,
                    )
                ) from error
        return self._tensors[file]


def _load(file: Path) -> Mapping[str, torch.Tensor]:
    """The tensors of a file by name; of a pickle without running what it says.

    Raises:
        pickle.UnpicklingError: A pickle has other objects than tensors and containers.
    """
    if file.suffix == SUFFIXES[0]:
        return cast(Mapping[str, torch.Tensor], load_file(file))
    loaded = torch.load(file, map_location="cpu", weights_only=True)
    # AUTOMATIC1111 has it under “string_to_param”, Diffusers by its word.
    tensors = loaded.get("string_to_param", loaded) if isinstance(loaded, Mapping) else loaded
    if isinstance(tensors, torch.Tensor):
        return {file.stem: tensors}
    if not isinstance(tensors, Mapping):
        raise ValueError("no tensors by name")
    return {
        str(name): tensor.detach()
        for name, tensor in tensors.items()
        if isinstance(tensor, torch.Tensor)
    }
