"""Pictures without edges, and prompts that give way to chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from engine.diffusion.cads import add_condition_noise, condition_noise_generator
from engine.diffusion.families import Family
from tests.engine.builders import recipe
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference, paint

Families = dict[str, Family]

KINDS = ("sd", "xl")
SHIFT = 8
"""Latent cells: a multiple of what the tiny UNets and VAEs take together."""


def shifted_noise(family: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the noise that pictures begin with be moved to the right, around the edge."""
    made = family.new_noise
    monkeypatch.setattr(
        family, "new_noise", lambda *arguments: made(*arguments).roll(SHIFT, dims=-1)
    )


@pytest.mark.parametrize("in_tiles", [False, True], ids=["in one piece", "in tiles"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_without_edges_is_the_same_wherever_it_begins(
    unets: Families,
    unet_pipes: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    in_tiles: bool,
) -> None:
    asked = recipe(tile=True, width=128)
    vae = unet_pipes[kind].vae
    factor = unet_pipes[kind].vae_scale_factor
    if in_tiles:
        monkeypatch.setattr(vae, "use_tiling", True)
        monkeypatch.setattr(vae, "tile_latent_min_size", 32)
        monkeypatch.setattr(vae, "tile_sample_min_size", 32 * factor)
    [image] = paint(unets[kind], asked)
    shifted_noise(unets[kind], monkeypatch)
    [moved] = paint(unets[kind], asked)
    allowed = 8 * ONE_LEVEL if in_tiles else ONE_LEVEL
    assert difference(np.roll(image, SHIFT * factor, axis=1), moved) <= allowed
    [with_edges] = paint(unets[kind], recipe(width=128))
    assert difference(image, with_edges) > 2 * ONE_LEVEL


def test_pictures_with_and_without_edges_share_no_batch(unets: Families) -> None:
    family = unets["sd"]
    with torch.inference_mode():
        [[without], [another], [with_edges]] = (
            family.begin(asked) for asked in (recipe(tile=True), recipe(tile=True), recipe())
        )
    assert family.batch_key(without) == family.batch_key(another)
    assert family.batch_key(without) != family.batch_key(with_edges)


def test_what_comes_after_a_picture_without_edges_has_its_edges(unets: Families) -> None:
    [before] = paint(unets["sd"], recipe())
    paint(unets["sd"], recipe(tile=True))
    [after] = paint(unets["sd"], recipe())
    assert difference(before, after) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_chaos_makes_another_picture_of_the_same_seed_the_same_each_time(
    unets: Families, kind: str
) -> None:
    [plain] = paint(unets[kind], recipe())
    [wild] = paint(unets[kind], recipe(chaos=100))
    [wild_again] = paint(unets[kind], recipe(chaos=100))
    [milder] = paint(unets[kind], recipe(chaos=20))
    assert difference(wild, wild_again) == 0
    assert difference(plain, wild) > 2 * ONE_LEVEL
    assert difference(plain, milder) < difference(plain, wild)


def test_a_picture_with_chaos_beside_others_is_the_one_painted_alone(unets: Families) -> None:
    asked = [recipe(chaos=60), recipe(seed=5), recipe(chaos=30, seed=6, num_inference_steps=4)]
    together = paint(unets["sd"], *asked, after=[0, 1, 0])
    for each, beside_others in zip(asked, together, strict=True):
        [alone] = paint(unets["sd"], each)
        assert difference(alone, beside_others) <= ONE_LEVEL


def test_the_prompt_is_drowned_first_and_clear_in_the_end() -> None:
    conditioning = {
        "embeds": torch.randn(1, 7, 16, generator=torch.Generator().manual_seed(1)) * 3 + 2
    }
    off = [
        (
            add_condition_noise(conditioning, 100, left, condition_noise_generator(4))["embeds"]
            - conditioning["embeds"]
        )
        .abs()
        .mean()
        for left in (1.0, 0.8, 0.7, 0.6, 0.1)
    ]
    assert off[0] > off[1] > off[2] > 0
    assert off[3] == off[4] == 0
    drowned = add_condition_noise(conditioning, 100, 1.0, condition_noise_generator(4))["embeds"]
    assert torch.allclose(drowned.mean(), conditioning["embeds"].mean(), atol=1e-4)
    assert torch.allclose(drowned.std(), conditioning["embeds"].std(), atol=1e-3)
