"""Instruct models of Transformers: they answer a chat."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine.diffusion.checked_loading import LOADING_ERRORS
from engine.diffusion.writing.loading import load, not_loaded
from engine.errors import ModelUnavailable
from speech import say

Turn = tuple[str, str]
"""Who speaks (system, user or assistant), and what they say."""

MAX_TOKENS = 400
"""Tokens of an answer."""

TEMPERATURE, NUCLEUS, LIKELIEST = 0.7, 0.8, 20
"""How answers are sampled, as the model card of Qwen3 recommends without thinking."""


class ChatModel:
    """Answers chats. It belongs to one thread at a time."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        """Prepare to answer.

        Args:
            model: A Transformers model for causal language modelling.
            tokenizer: Its tokenizer.

        Raises:
            ModelUnavailable: It has no chat template: it wasn't made to follow instructions.
        """
        if tokenizer.chat_template is None:
            raise ModelUnavailable(
                say(
                    "The language model has no chat template, so it doesn't follow instructions. "
                    "The bot's owner can choose an instruct model."
                )
            )
        self._model, self._tokenizer = model, tokenizer

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load the model in `folder`. Raises `ModelUnavailable` as `loading.load` does."""
        try:
            tokenizer = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
        except LOADING_ERRORS as error:
            raise not_loaded(error) from error
        return cls(load(AutoModelForCausalLM, folder), tokenizer)

    def prompt(self, turns: Sequence[Turn]) -> str:
        """The chat as the model reads it, up to where its answer begins; it isn't to think first.

        Raises:
            ModelUnavailable: The template doesn't take such a chat.
        """
        chat = [{"role": role, "content": text} for role, text in turns]
        try:
            text: str = self._tokenizer.apply_chat_template(
                chat, tokenize=False, add_generation_prompt=True, enable_thinking=False
            )
        except Exception as error:  # a template raises whatever its author thought of
            raise not_loaded(error) from error
        return text

    @torch.inference_mode()
    def answer(self, turns: Sequence[Turn], seed: int) -> str:
        """What the model says next; the same for the same seed."""
        inputs = self._tokenizer(self.prompt(turns), add_special_tokens=False, return_tensors="pt")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            tokens = self._model.generate(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                max_new_tokens=MAX_TOKENS,
                do_sample=True,
                temperature=TEMPERATURE,
                top_p=NUCLEUS,
                top_k=LIKELIEST,
                pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id,
            )[0]
        answer = tokens[inputs["input_ids"].shape[1] :]
        text: str = self._tokenizer.decode(answer, skip_special_tokens=True)
        return text
