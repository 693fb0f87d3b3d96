"""Prompts of any length, with weights, for CLIP text encoders.

As in the AUTOMATIC1111 web interface, a prompt is encoded in chunks of as many tokens as the
encoder takes, each with its own beginning and end; the chunks' embeddings are concatenated. Weights
multiply the embeddings of their tokens, after which the mean of each chunk is restored. A prompt
without weights that fits in one chunk gives exactly what Diffusers' `encode_prompt` gives.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from engine.models.embeddings import word_pattern
from engine.prompts.grammar import sections

Vectors = Mapping[str, torch.Tensor]
"""Textual inversions: the vectors that replace the tokens of each word, shape (tokens, dim)."""

MIN_MEAN = 1e-3
"""A mean below this share of the deviation is rounding noise and isn't restored."""


@dataclass(frozen=True, slots=True)
class Token:
    """One position of a chunk, with its embedding if it belongs to a textual inversion."""

    id: int
    weight: float
    vector: torch.Tensor | None = None


@dataclass(frozen=True, slots=True)
class EncodedPrompt:
    """An encoded prompt.

    Attributes:
        hidden: An embedding for each token of all chunks, shape (1, chunks * tokens, dim).
        pooled: The embedding of the first chunk, without weights, shape (1, dim), of an encoder
            with a projection.
    """

    hidden: torch.Tensor
    pooled: torch.Tensor | None


def encode_weighted(
    text: str,
    tokenizer: Any,
    text_encoder: Any,
    device: torch.device,
    *,
    penultimate: bool = False,
    vectors: Vectors | None = None,
) -> EncodedPrompt:
    """Encode a prompt.

    Args:
        text: In the grammar of `engine.prompts.grammar`.
        tokenizer: A CLIP tokenizer; its `model_max_length` is that of a chunk.
        text_encoder: Its CLIP text encoder, on `device`.
        device: Where it computes.
        penultimate: Whether to take the last but one layer, without the final normalization.
        vectors: The textual inversions that occur in it.
    """
    chunks = list(_chunks(text, tokenizer, vectors or {}))
    ids, mask = _ids(chunks, tokenizer)
    use_mask = getattr(text_encoder.config, "use_attention_mask", False)
    hook = text_encoder.get_input_embeddings().register_forward_hook(_vectors_hook(chunks))
    try:
        output = text_encoder(
            ids.to(device),
            attention_mask=mask.to(device) if use_mask else None,
            output_hidden_states=penultimate,
        )
    finally:
        hook.remove()
    hidden = output.hidden_states[-2] if penultimate else output.last_hidden_state
    weighted = torch.cat([_weighted(own, chunk) for own, chunk in zip(hidden, chunks, strict=True)])
    pooled = output.get("text_embeds")
    return EncodedPrompt(weighted.unsqueeze(0), None if pooled is None else pooled[:1])


def pad_to_longest(
    conditioning: Sequence[Mapping[str, torch.Tensor]],
    empty: Callable[[], Mapping[str, torch.Tensor]],
) -> list[Mapping[str, torch.Tensor]]:
    """The same prompts, each with as many chunks as the longest.

    Args:
        conditioning: Each has its tokens as `embeds`, shape (1, tokens, dim).
        empty: Encodes an empty prompt, which is one chunk.
    """
    longest = max(one["embeds"].shape[1] for one in conditioning)
    if all(one["embeds"].shape[1] == longest for one in conditioning):
        return list(conditioning)
    chunk = empty()["embeds"]
    return [
        {**one, "embeds": torch.cat([one["embeds"], *[chunk] * missing], dim=1)}
        for one in conditioning
        for missing in [(longest - one["embeds"].shape[1]) // chunk.shape[1]]
    ]


def _chunks(text: str, tokenizer: Any, vectors: Vectors) -> Iterator[list[Token]]:
    """The tokens in chunks, without beginnings and ends; at least one chunk."""
    length = tokenizer.model_max_length - 2
    found = False
    for section in sections(text):
        tokens = [
            token
            for piece in section
            for token in _tokens(piece.text, piece.weight, tokenizer, vectors)
        ]
        for start in range(0, len(tokens), length):
            found = True
            yield tokens[start : start + length]
    if not found:
        yield []


def _tokens(text: str, weight: float, tokenizer: Any, vectors: Vectors) -> Iterator[Token]:
    """The tokens of a piece; its textual inversions are cut out before the rest is tokenized."""
    parts = re.split(f"({word_pattern(vectors)})", text, flags=re.IGNORECASE) if vectors else [text]
    for part in parts:
        inversion = vectors.get(part.strip("<>").casefold())
        if inversion is not None:
            for vector in inversion:
                # Any id but the end's: the pooled embedding is taken from that position.
                yield Token(tokenizer.bos_token_id, weight, vector)
        elif part.strip():
            for token in tokenizer(part, add_special_tokens=False, verbose=False).input_ids:
                yield Token(token, weight)


def _ids(chunks: Sequence[Sequence[Token]], tokenizer: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids with beginning, end and padding, and the mask of what isn't padding, (chunks, length)."""
    length = tokenizer.model_max_length
    bos, eos, pad = tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id
    rows = [[bos, *(token.id for token in chunk), eos] for chunk in chunks]
    ids = torch.tensor([row + [pad] * (length - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    return ids, mask


def _vectors_hook(chunks: Sequence[Sequence[Token]]) -> Callable[..., torch.Tensor]:
    """A hook that replaces the embeddings of textual inversions by their vectors."""

    def place(module: Any, args: Any, embeddings: torch.Tensor) -> torch.Tensor:
        for row, chunk in enumerate(chunks):
            for i, token in enumerate(chunk):
                if token.vector is not None:
                    embeddings[row, i + 1] = token.vector.to(embeddings)
        return embeddings

    return place


def _weighted(hidden: torch.Tensor, chunk: Sequence[Token]) -> torch.Tensor:
    """The embeddings of a chunk, shape (tokens, dim), times their weights, with the same mean."""
    if all(token.weight == 1 for token in chunk):
        return hidden
    full = hidden.to(torch.float32)
    weights = full.new_ones(len(full), 1)
    weights[1 : len(chunk) + 1, 0] = torch.tensor([token.weight for token in chunk])
    changed = full * weights
    floor = MIN_MEAN * full.std()
    if full.mean().abs() > floor and changed.mean().abs() > floor:
        changed = changed * (full.mean() / changed.mean())
    return changed.to(hidden.dtype)
