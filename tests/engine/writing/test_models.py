"""What the models of Transformers write: captions of pictures, answers to chats."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from engine.errors import ModelUnavailable
from engine.writing.cleaning import cleaned
from engine.writing.instructions import EXAMPLES, Rewriting, chat
from tests.tiny.writers import WORDS, babbler, blip, florence2, parrot, qwen_vl

pytestmark = pytest.mark.usefixtures("one_thread", "short")

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))
RED = Image.new("RGB", (64, 48), "red")


def test_a_captioner_finds_four_different_captions_the_same_each_time(tmp_path: Path) -> None:
    from engine.diffusion.writing.captioner import Captioner

    captioner = Captioner.load(blip(tmp_path))
    captions = captioner.captions(RED)
    assert len(set(captions)) == 4
    assert {word for text in captions for word in text.split()} <= set(WORDS.split())
    assert captions == captioner.captions(RED)
    assert captions != captioner.captions(NOISE)


@pytest.mark.parametrize("make", [florence2, qwen_vl])
def test_models_with_tasks_and_models_that_chat_caption_too(
    tmp_path: Path, make: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.diffusion.writing import captioner

    seen = list[str | None]()
    model = captioner.Captioner.load(make(tmp_path))
    inputs = model._inputs

    def noted(image: Image.Image, question: str | None) -> object:
        seen.append(question)
        return inputs(image, question)

    monkeypatch.setattr(model, "_inputs", noted)
    captions = model.captions(RED)
    assert len(set(captions)) == len(captions) > 1
    asked = captioner.TASKS if make is florence2 else captioner.INSTRUCTIONS
    assert tuple(dict.fromkeys(seen)) == asked
    assert not any("describe this picture" in text.lower() for text in captions)  # nor the question


def test_the_chat_ends_where_the_answer_begins_without_thinking(tmp_path: Path) -> None:
    from engine.diffusion.writing.chat_model import ChatModel

    model = ChatModel.load(babbler(tmp_path))
    prompt = model.prompt(chat(Rewriting.IMPROVE, "a fox"))
    assert prompt.startswith("<|im_start|>system\nYou write prompts")
    assert f"<|im_start|>assistant\n{EXAMPLES[Rewriting.IMPROVE][1]}<|im_end|>" in prompt
    assert prompt.endswith(
        "<|im_start|>user\na fox<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
    )


def test_answers_are_drawn_by_their_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.diffusion.writing import chat_model

    monkeypatch.setattr(chat_model, "MAX_TOKENS", 8)
    model = chat_model.ChatModel.load(babbler(tmp_path))
    turns = [("user", "a fox")]
    assert model.answer(turns, 1) == model.answer(turns, 1) != model.answer(turns, 2)


def test_of_a_scripted_answer_the_prompt_is_left(tmp_path: Path) -> None:
    from engine.diffusion.writing.chat_model import ChatModel

    said = '<think>\nA fox?\n</think>\n\nHere is the improved prompt: "a red fox --ar 3:2"\n'
    answer = ChatModel.load(parrot(tmp_path, said)).answer([("user", "a fox")], 1)
    assert answer == said
    assert cleaned(answer, 500) == "a red fox -ar 3:2"


def test_what_cannot_follow_instructions_is_refused(tmp_path: Path) -> None:
    from engine.diffusion.writing.chat_model import ChatModel

    with pytest.raises(ModelUnavailable, match="no chat template"):
        ChatModel.load(parrot(tmp_path / "base", "fox", chat_template=None))
    template = "{{ raise_exception('System role not supported') }}"
    model = ChatModel.load(parrot(tmp_path / "strict", "fox", chat_template=template))
    with pytest.raises(ModelUnavailable, match="System role not supported"):
        model.answer([("system", "x")], 1)


def test_a_model_takes_half_the_numbers_where_ram_is_short_and_is_refused_where_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from engine.diffusion.writing import loading
    from engine.diffusion.writing.captioner import Captioner
    from engine.hub.tensor_headers import read_safetensors

    folder = blip(tmp_path)
    parameters = sum(x.parameters for x in read_safetensors(folder / "model.safetensors"))
    free = loading.RESERVE + 4 * parameters

    def left(number: int) -> None:
        memory = SimpleNamespace(available=number)
        monkeypatch.setattr("psutil.virtual_memory", lambda: memory)

    left(free)
    assert loading.fitting_dtype(folder) is torch.float32
    left(free - 1)
    captioner = Captioner.load(folder)
    assert captioner._model.dtype is torch.bfloat16
    assert len(captioner.captions(RED)) == 4
    left(free // 4)
    with pytest.raises(ModelUnavailable, match=r"needs 1\.0 GB of RAM; only"):
        Captioner.load(folder)


def test_files_that_are_damaged_or_of_something_else_are_refused(tmp_path: Path) -> None:
    from engine.diffusion.writing.captioner import Captioner

    folder = babbler(tmp_path)  # it reads no pictures
    with pytest.raises(ModelUnavailable, match="couldn't be loaded"):
        Captioner.load(folder)
    folder = blip(tmp_path / "cut")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(ModelUnavailable, match="should have"):
        Captioner.load(folder)
