"""What the names and shapes of tensors tell the memory plan."""

import pytest

from engine.hub.tensor_headers import (
    Tensor,
    largest_block,
    largest_layer,
    linear_share,
    outside_blocks,
)


def tensors(**shapes: tuple[int, ...]) -> tuple[Tensor, ...]:
    return tuple(Tensor(name.replace("__", "."), shape, 2) for name, shape in shapes.items())


TRANSFORMER = tensors(
    embed__weight=(100, 8),
    blocks__0__attention__weight=(8, 8),
    blocks__0__norm__weight=(8,),
    blocks__1__attention__weight=(8, 8),
    blocks__1__norm__weight=(8,),
)


def test_embeddings_are_outside_of_the_blocks() -> None:
    assert outside_blocks(TRANSFORMER) == 800
    assert largest_block(TRANSFORMER) == 72
    assert largest_layer(TRANSFORMER) == 64


def test_matrices_within_blocks_are_linear_layers() -> None:
    assert linear_share(TRANSFORMER) == pytest.approx(128 / 944)


def test_a_model_that_repeats_nothing_is_one_block() -> None:
    lone = tensors(first__weight=(8, 8), second__weight=(8, 8))
    assert (largest_block(lone), outside_blocks(lone), linear_share(lone)) == (128, 0, None)
