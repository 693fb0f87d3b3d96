"""Cross-attention to pictures, for the rows of a batch that have some.

Diffusers' `IPAdapterAttnProcessor2_0` has one scale for all rows. Here hooks do the same to single
rows, whatever computes the attention itself: between the attention to the words and the projection
of its result, `scale · attention(query, keys, values)` of the pictures is added. Without such rows
there are no hooks.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

from engine.diffusion.image_prompts.prompt import KeyValue, Row
from engine.diffusion.sending import sent

Attended = tuple[float, KeyValue]
"""The scale, and keys and values, of pictures that one attention of a row sees."""


@dataclass(frozen=True, eq=False, slots=True)
class RowsAlike:
    """Rows that see as many tokens with the same scales in one attention.

    Attributes:
        index: Their places in the batch, where the attention computes.
        seen: Scales, and keys and values of shape (rows, tokens, channels).
    """

    index: torch.Tensor
    seen: Sequence[Attended]


class PictureAttention:
    """Has rows of a UNet's calls attend to their pictures.

    What rows alike see is put together once for a batch, which is the same for many steps.
    """

    def __init__(self, unet: Any) -> None:
        """Take the UNet."""
        self._unet = unet
        self._rows: Sequence[Row] = ()
        self._alike: Mapping[str, Sequence[RowsAlike]] = {}

    @contextmanager
    def attending(self, rows: Sequence[Row]) -> Iterator[None]:
        """Have each row of the UNet's next call attend to its pictures."""
        if _identities(rows) != _identities(self._rows):
            self._rows, self._alike = rows, _by_attention(rows)
        with ExitStack() as hooks:
            for name, alike in self._alike.items():
                attention = self._unet.get_submodule(name)
                added = _AddedAttention(attention.heads, alike)
                hooks.callback(attention.to_q.register_forward_hook(added.keep_query).remove)
                hooks.callback(attention.to_out[0].register_forward_pre_hook(added.add).remove)
            yield


class _AddedAttention:
    """What one cross-attention adds in one call."""

    def __init__(self, heads: int, alike: Sequence[RowsAlike]) -> None:
        """Take the number of heads, and the rows with what they see."""
        self._heads = heads
        self._alike = alike
        self._query: torch.Tensor | None = None

    def keep_query(self, module: Any, args: Any, output: torch.Tensor) -> None:
        """After the layer that makes the query, shape (rows, tokens, channels)."""
        self._query = output

    def add(self, module: Any, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """Before the layer that takes the result, of the same shape."""
        assert self._query is not None, "the query comes first"
        result, *rest = args
        result = result.clone()
        for rows in self._alike:
            query = self._by_head(self._query[rows.index])
            own = result[rows.index]
            for scale, (keys, values) in rows.seen:
                picture = scaled_dot_product_attention(
                    query, self._by_head(keys), self._by_head(values)
                )
                picture = picture.transpose(1, 2).reshape(own.shape).to(own.dtype)
                own = own + scale * picture
            result[rows.index] = own
        self._query = None
        return (result, *rest)

    def _by_head(self, tensor: torch.Tensor) -> torch.Tensor:
        """Shape (rows, heads, tokens, channels of a head)."""
        rows, tokens, channels = tensor.shape
        by_head = tensor.view(rows, tokens, self._heads, channels // self._heads)
        return by_head.transpose(1, 2)


def _identities(rows: Sequence[Row]) -> list[list[int]]:
    """What tells whether rows see the very same pictures."""
    return [[id(part) for shown in row for part in shown] for row in rows]


def _by_attention(rows: Sequence[Row]) -> dict[str, list[RowsAlike]]:
    """The rows that are alike in an attention, by its name."""
    names = {name for row in rows for scales, _ in row for name in scales}
    return {
        name: _alike(
            [
                [(scales[name], pictures[name]) for scales, pictures in row if name in scales]
                for row in rows
            ]
        )
        for name in sorted(names)
    }


def _alike(seen: Sequence[Sequence[Attended]]) -> list[RowsAlike]:
    """Rows that see as many tokens with the same scales, and these as one batch."""
    groups: dict[Any, list[int]] = {}
    for row, attended in enumerate(seen):
        if attended:
            kind = tuple((scale, keys.shape[1]) for scale, (keys, _) in attended)
            groups.setdefault(kind, []).append(row)
    return [
        RowsAlike(
            sent(torch.tensor(rows), seen[rows[0]][0][1][0].device),
            [
                (
                    scale,
                    (
                        torch.cat([seen[row][number][1][0] for row in rows]),
                        torch.cat([seen[row][number][1][1] for row in rows]),
                    ),
                )
                for number, (scale, _) in enumerate(seen[rows[0]])
            ],
        )
        for rows in groups.values()
    ]
