"""A CLIP tokenizer that knows the words of the captions whole and spells all others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from training.captions import vocabulary

if TYPE_CHECKING:
    from pathlib import Path

LENGTH = 32
START, END = "<|startoftext|>", "<|endoftext|>"


def new_tokenizer(folder: Path) -> CLIPTokenizer:
    """Build the byte-pair vocabulary from the captions' words, and keep it in `folder`."""
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=4000,
        min_frequency=1,
        show_progress=False,
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
    )
    learner.train_from_iterator(vocabulary(), trainer)
    merges = [tuple(merge) for merge in json.loads(learner.to_str())["model"]["merges"]]
    pieces = [*alphabet, *(letter + "</w>" for letter in alphabet), *map("".join, merges)]
    words = {piece: index for index, piece in enumerate(dict.fromkeys([*pieces, START, END]))}
    tokenizer = CLIPTokenizer(
        vocab=words,
        merges=merges,
        bos_token=START,
        eos_token=END,
        unk_token=END,
        pad_token=END,
        model_max_length=LENGTH,
    )
    tokenizer.save_pretrained(folder)
    return tokenizer
