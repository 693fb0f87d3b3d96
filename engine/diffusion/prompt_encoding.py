"""Prompts of any length, with weights, for CLIP text encoders.

As in the AUTOMATIC1111 web interface, a prompt is read in chunks of as many tokens as the encoder
takes, each with its own beginning and end; the chunks' embeddings follow one another. Weights
multiply the embeddings of their tokens, after which each chunk gets its mean back. A prompt
without weights that fits in one chunk gives exactly what Diffusers' `encode_prompt` gives.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from engine.prompts.grammar import sections

Vectors = Mapping[str, torch.Tensor]
"""Learned words: what stands for each in place of tokens, shape (tokens, dim)."""

NO_MEAN = 1e-3
"""A mean below this part of the deviation is rounding: it is not worth getting back."""


@dataclass(frozen=True, slots=True)
class Token:
    """One place of a chunk; a learned word brings the embedding that belongs there."""

    id: int
    weight: float
    vector: torch.Tensor | None = None


@dataclass(frozen=True, slots=True)
class EncodedPrompt:
    """What a text encoder makes of a prompt.

    Attributes:
        hidden: One embedding for each token of all chunks, shape (1, chunks * tokens, dim).
        pooled: That of the first chunk as a whole, without weights, shape (1, dim), for encoders
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
    """Read a prompt.

    Args:
        text: In the grammar of `engine.prompts.grammar`.
        tokenizer: A CLIP tokenizer; its `model_max_length` is that of a chunk.
        text_encoder: Its CLIP text encoder, on `device`.
        device: Where it computes.
        penultimate: Whether to take the last but one layer, without the final normalization.
        vectors: The learned words that occur in it.
    """
    chunks = list(_chunks(text, tokenizer, vectors or {}))
    ids, mask = _ids(chunks, tokenizer)
    use_mask = getattr(text_encoder.config, "use_attention_mask", False)
    hook = text_encoder.get_input_embeddings().register_forward_hook(_placing(chunks))
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
    """The same prompts with as many chunks in each as in the longest.

    Args:
        conditioning: Each with its tokens as `embeds`, shape (1, tokens, dim).
        empty: Gives those of an empty prompt, which is one chunk.
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
    """The tokens by chunks, without their beginnings and ends; at least one."""
    room = tokenizer.model_max_length - 2
    found = False
    for section in sections(text):
        tokens = [
            token
            for piece in section
            for token in _tokens(piece.text, piece.weight, tokenizer, vectors)
        ]
        for start in range(0, len(tokens), room):
            found = True
            yield tokens[start : start + room]
    if not found:
        yield []


def _tokens(text: str, weight: float, tokenizer: Any, vectors: Vectors) -> Iterator[Token]:
    """The tokens of a piece; its learned words are cut out before the others are read."""
    parts = re.split(f"({word_pattern(vectors)})", text, flags=re.IGNORECASE) if vectors else [text]
    for part in parts:
        profile = vectors.get(part.strip("<>").casefold())
        if profile is not None:
            for vector in profile:
                # Any id but the end's, at whose place the pooled embedding is read.
                yield Token(tokenizer.bos_token_id, weight, vector)
        elif part.strip():
            for token in tokenizer(part, add_special_tokens=False, verbose=False).input_ids:
                yield Token(token, weight)


def word_pattern(words: Iterator[str] | Mapping[str, Any]) -> str:
    """A pattern for any of the learned words, alone or between angle brackets."""
    longest_first = sorted(words, key=len, reverse=True)
    either = "|".join(re.escape(word) for word in longest_first)
    return rf"(?<!\w)(?:<(?:{either})>|(?:{either}))(?!\w)"


def _ids(chunks: Sequence[Sequence[Token]], tokenizer: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids with beginning, end and padding, and where there is no padding, (chunks, length)."""
    length = tokenizer.model_max_length
    bos, eos, pad = tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id
    rows = [[bos, *(token.id for token in chunk), eos] for chunk in chunks]
    ids = torch.tensor([row + [pad] * (length - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    return ids, mask


def _placing(chunks: Sequence[Sequence[Token]]) -> Callable[..., torch.Tensor]:
    """A hook that puts the learned words where their tokens are, after the beginning's."""

    def place(module: Any, args: Any, embeddings: torch.Tensor) -> torch.Tensor:
        for row, chunk in enumerate(chunks):
            for i, token in enumerate(chunk):
                if token.vector is not None:
                    embeddings[row, i + 1] = token.vector.to(embeddings)
        return embeddings

    return place


def _weighted(hidden: torch.Tensor, chunk: Sequence[Token]) -> torch.Tensor:
    """Embeddings of a chunk, shape (tokens, dim), multiplied by their weights, of the old mean."""
    if all(token.weight == 1 for token in chunk):
        return hidden
    full = hidden.to(torch.float32)
    weights = full.new_ones(len(full), 1)
    weights[1 : len(chunk) + 1, 0] = torch.tensor([token.weight for token in chunk])
    changed = full * weights
    floor = NO_MEAN * full.std()
    if full.mean().abs() > floor and changed.mean().abs() > floor:
        changed = changed * (full.mean() / changed.mean())
    return changed.to(hidden.dtype)
