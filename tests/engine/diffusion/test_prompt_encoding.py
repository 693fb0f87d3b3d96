"""Prompts of any length and weight, as CLIP text encoders read them.

The tiny tokenizer knows letters alone and reads chunks of 32 tokens, beginning and end included.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.diffusion.families.flux import Flux
from engine.diffusion.families.latent_sample import LatentSample
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.families.stable_diffusion_xl import StableDiffusionXL
from engine.diffusion.prompt_encoding import encode_weighted, pad_to_longest
from engine.diffusion.textual_inversion import TextualInversions
from engine.errors import InvalidRequest
from tests.engine.builders import recipe
from tests.engine.diffusion.families.parity import ONE_LEVEL, difference, paint, parts
from tests.engine.diffusion.families.unet_pipelines import run_unet_pipeline
from tests.tiny.adapters import learned_word
from tests.tiny.flux import flux
from tests.tiny.sdxl import sdxl

CPU = torch.device("cpu")
CHUNK = 32
LONG = "a house " * 6


@pytest.fixture(scope="module")
def sd(tiny_model: Path) -> Any:
    return loaded(tiny_model)


@pytest.fixture(scope="module")
def xl_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sdxl(tmp_path_factory.mktemp("xl"))


@pytest.fixture(scope="module")
def xl(xl_folder: Path) -> Any:
    return loaded(xl_folder)


def loaded(folder: Path) -> Any:
    pipe: Any = diffusers.AutoPipelineForText2Image.from_pretrained(folder, add_watermarker=False)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@torch.inference_mode()
def read(pipe: Any, text: str, **options: Any) -> torch.Tensor:
    """What we make of a prompt, shape (tokens, dim)."""
    return encode_weighted(text, pipe.tokenizer, pipe.text_encoder, CPU, **options).hidden[0]


@torch.inference_mode()
def by_diffusers(pipe: Any, text: str) -> torch.Tensor:
    """What Diffusers makes of a prompt that fits in a chunk, shape (tokens, dim)."""
    [embeds], _ = pipe.encode_prompt(text, CPU, 1, False)
    assert isinstance(embeds, torch.Tensor)
    return embeds


@pytest.mark.parametrize("text", ["", "a red house", "a (", "letters " * 4, "it's 3.5, a moon :)"])
def test_a_prompt_without_weights_that_fits_is_read_exactly_as_diffusers_reads_it(
    sd: Any, text: str
) -> None:
    plain = text.rstrip("( ")
    assert torch.equal(read(sd, text), by_diffusers(sd, plain))


def test_brackets_that_are_meant_as_such_are_letters(sd: Any) -> None:
    assert torch.equal(read(sd, r"a \(red\) house"), by_diffusers(sd, "a (red) house"))


def test_a_long_prompt_is_read_in_chunks_and_nothing_of_it_is_lost(sd: Any) -> None:
    hidden = read(sd, "a " * 30 + "b c d")
    assert hidden.shape == (2 * CHUNK, 32)
    chunks = torch.cat([by_diffusers(sd, "a " * 30), by_diffusers(sd, "b c d")])
    torch.testing.assert_close(hidden, chunks)


def test_a_break_begins_a_new_chunk(sd: Any) -> None:
    chunks = torch.cat([by_diffusers(sd, "a moon"), by_diffusers(sd, "a fish")])
    torch.testing.assert_close(read(sd, "a moon BREAK a fish"), chunks)
    torch.testing.assert_close(read(sd, "BREAK a moon BREAK BREAK a fish BREAK"), chunks)


def test_weights_multiply_their_tokens_and_the_mean_is_restored(sd: Any) -> None:
    with torch.no_grad():
        norm = getattr(sd.text_encoder, "text_model", sd.text_encoder).final_layer_norm
        norm.bias += 0.2
    try:
        plain = by_diffusers(sd, "a red house")
        weighted = read(sd, "a (red:1.5) [house]")
        expected = plain.clone()
        expected[2:5] *= 1.5
        expected[5:10] /= 1.1
        expected *= plain.mean() / expected.mean()
        torch.testing.assert_close(weighted, expected)
        torch.testing.assert_close(weighted.mean(), plain.mean())
    finally:
        with torch.no_grad():
            norm.bias -= 0.2


def test_where_the_mean_is_nothing_but_rounding_it_is_left_alone(sd: Any) -> None:
    plain = by_diffusers(sd, "a red house")
    assert plain.mean().abs() < 1e-6
    weighted = read(sd, "a (red:1.5) house")
    torch.testing.assert_close(weighted[2:5], plain[2:5] * 1.5)
    torch.testing.assert_close(weighted[5:], plain[5:])


def test_xl_reads_with_both_encoders_and_takes_the_first_chunk_for_the_whole(xl: Any) -> None:
    family = StableDiffusionXL(xl, parts(xl), None)
    with torch.inference_mode():
        conditioning = family.encode_prompt("a " * 30 + "(moon:1.3)", negative=False)
        embeds, _, pooled, _ = xl.encode_prompt("a " * 30, do_classifier_free_guidance=False)
        again, _, _, _ = xl.encode_prompt("moon", do_classifier_free_guidance=False)
    assert conditioning["embeds"].shape == (1, 2 * CHUNK, embeds.shape[-1])
    torch.testing.assert_close(conditioning["embeds"][:, :CHUNK], embeds)
    assert not torch.allclose(conditioning["embeds"][:, CHUNK:], again), "its weights count"
    torch.testing.assert_close(conditioning["pooled"], pooled)


def test_the_shorter_prompt_is_filled_up_with_empty_chunks() -> None:
    short, long, empty = (torch.full((1, n, 2), float(n)) for n in (4, 12, 4))
    conditioning = [{"embeds": short, "pooled": short}, {"embeds": long, "pooled": long}]
    [one, other] = pad_to_longest(conditioning, lambda: {"embeds": empty * 0})
    assert one["embeds"].shape == other["embeds"].shape == (1, 12, 2)
    assert one["embeds"][0, :, 0].tolist() == [4.0] * 4 + [0.0] * 8
    assert one["pooled"] is short


def test_rows_of_different_length_do_not_share_a_batch_and_all_are_painted(sd: Any) -> None:
    family = StableDiffusion(sd, parts(sd), None)
    recipes = [
        recipe(prompt="a house", negative_prompt=LONG),
        recipe(prompt=LONG),
        recipe(prompt="a house"),
    ]
    with torch.inference_mode():
        rows = [family.begin(asked)[0] for asked in recipes]
    keys = [family.batch_key(row) for row in rows]
    assert keys[0] == keys[1] != keys[2]
    assert isinstance(rows[0], LatentSample)
    assert len({conditioning["embeds"].shape for conditioning in rows[0].conditioning}) == 1
    together = paint(family, *recipes[:2])
    for asked, image in zip(recipes[:2], together, strict=True):
        [alone] = paint(family, asked)
        assert difference(alone, image) <= ONE_LEVEL


@pytest.mark.parametrize("text", ["a cat-toy", "a <cat-toy> on a moon", "Cat-Toy, red"])
def test_a_learned_word_is_what_diffusers_makes_of_it(
    tiny_model: Path, sd: Any, tmp_path: Path, text: str
) -> None:
    file = learned_word(tmp_path / "cat-toy.safetensors", emb_params=32)
    other = loaded(tiny_model)
    other.load_textual_inversion(str(file), token="cat-toy")
    family = StableDiffusion(sd, parts(sd), None, inversions=TextualInversions(tmp_path))
    plain = text.replace("<cat-toy>", "cat-toy").replace("Cat-Toy", "cat-toy")
    [ours] = paint(family, recipe(prompt=text))
    assert difference(ours, run_unet_pipeline(other, "", recipe(prompt=plain))) == 0
    assert difference(ours, run_unet_pipeline(sd, "", recipe(prompt=plain))) > ONE_LEVEL


def test_a_learned_word_is_there_as_soon_as_its_file_is(sd: Any, tmp_path: Path) -> None:
    family = StableDiffusion(sd, parts(sd), None, inversions=TextualInversions(tmp_path))
    [before] = paint(family, recipe(prompt="a sloth"))
    learned_word(tmp_path / "sloth.safetensors", emb_params=32)
    [after] = paint(family, recipe(prompt="a sloth"))
    [part_of_another] = paint(family, recipe(prompt="a slothful"))
    assert difference(before, after) > ONE_LEVEL
    with torch.inference_mode():
        read_whole = family.encode_prompt("a slothful", negative=False)["embeds"][0]
    assert torch.equal(read_whole, by_diffusers(sd, "a slothful"))
    assert difference(part_of_another, after) > ONE_LEVEL


def test_xl_has_vectors_for_each_encoder(xl: Any, xl_folder: Path, tmp_path: Path) -> None:
    other = loaded(xl_folder)
    widths = {
        name: encoder.config.hidden_size
        for name, encoder in (("clip_l", xl.text_encoder), ("clip_g", xl.text_encoder_2))
    }
    vectors = load_file(learned_word(tmp_path / "sloth.safetensors", **widths))
    for name, place in (("clip_l", ""), ("clip_g", "_2")):
        parts_of_it = {
            "tokenizer": getattr(other, f"tokenizer{place}"),
            "text_encoder": getattr(other, f"text_encoder{place}"),
        }
        other.load_textual_inversion({"sloth": vectors[name]}, token="sloth", **parts_of_it)
    family = StableDiffusionXL(xl, parts(xl), None, inversions=TextualInversions(tmp_path))
    asked = recipe(prompt="a sloth, red", negative_prompt="a moon")
    [ours] = paint(family, asked)
    assert difference(ours, run_unet_pipeline(other, "", asked)) == 0
    assert difference(ours, run_unet_pipeline(xl, "", asked)) > ONE_LEVEL


@pytest.mark.parametrize(
    "tensors", [{"emb_params": 24}, {"clip_l": 32, "clip_g": 48}, {"clip_g": 48}]
)
def test_a_word_learned_for_another_family_is_refused(
    sd: Any, tmp_path: Path, tensors: dict[str, int]
) -> None:
    learned_word(tmp_path / "sloth.safetensors", **tensors)
    family = StableDiffusion(sd, parts(sd), None, inversions=TextualInversions(tmp_path))
    with pytest.raises(InvalidRequest) as caught:
        paint(family, recipe(negative_prompt="sloth"))
    assert str(caught.value) == (
        "The embedding “sloth” was made for another model family. Remove it from the prompt, "
        "or choose a model from that family."
    )


def test_a_damaged_file_is_refused_when_its_word_is_said(sd: Any, tmp_path: Path) -> None:
    (tmp_path / "sloth.safetensors").write_bytes(b"nothing")
    family = StableDiffusion(sd, parts(sd), None, inversions=TextualInversions(tmp_path))
    paint(family, recipe(prompt="a moon"))
    with pytest.raises(InvalidRequest, match="“sloth” can't be read because its file is damaged"):
        paint(family, recipe(prompt="a sloth"))


@pytest.mark.parametrize(
    ("name", "wrap"),
    [
        ("sloth.pt", lambda v: {"string_to_token": {"*": 265}, "string_to_param": {"*": v}}),
        ("sloth.bin", lambda v: {"<sloth>": v[0]}),
        ("deeper/Sloth.safetensors", None),
    ],
)
def test_a_learned_word_of_other_programs_is_read_wherever_it_is(
    sd: Any, tmp_path: Path, name: str, wrap: Callable[[torch.Tensor], Any] | None
) -> None:
    vectors = torch.randn(2, 32, generator=torch.Generator().manual_seed(1))
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    if wrap is None:
        save_file({"emb_params": vectors, "steps": torch.tensor([7])}, file)
    else:
        torch.save(wrap(vectors), file)
    [[found]] = [list(own.values()) for own in TextualInversions(tmp_path).vectors("a sloth", [32])]
    assert torch.equal(found, vectors[: len(found)])


def test_a_pickle_that_says_to_run_something_is_refused(tmp_path: Path) -> None:
    class Call:
        def __reduce__(self) -> Any:
            return (tmp_path / "ran").touch, ()

    torch.save({"string_to_param": Call()}, tmp_path / "sloth.pt")
    with pytest.raises(InvalidRequest, match="“sloth” can't be read, because its file is damaged"):
        TextualInversions(tmp_path).vectors("a sloth", [32])
    assert not (tmp_path / "ran").exists()


def test_a_family_that_takes_no_learned_words_says_so(tmp_path: Path) -> None:
    learned_word(tmp_path / "sloth.safetensors", emb_params=32)
    pipe = loaded(flux(tmp_path / "flux"))
    family = Flux(pipe, parts(pipe), None, inversions=TextualInversions(tmp_path))
    with pytest.raises(
        InvalidRequest, match=r"FLUX\.1 models can't use embeddings\. Remove “sloth”"
    ):
        family.begin(recipe(prompt="a sloth", scheduler="default"))
