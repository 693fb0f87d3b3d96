"""Tokenizers of the right classes that know letters only, for models with random weights."""

import json
from pathlib import Path
from string import ascii_lowercase

from transformers import CLIPTokenizer, Qwen2Tokenizer, T5TokenizerFast

T5_SPECIAL = ("<pad>", "</s>", "<unk>")
QWEN3_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>")
VISION_SPECIAL = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")

QWEN3_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
"""What a Qwen3 chat looks like to it, as far as a single turn goes."""


def clip_tokenizer(folder: Path, length: int = 77) -> CLIPTokenizer:
    """One token a letter; the vocabulary is kept in `folder`, which is made."""
    letters = [*ascii_lowercase, *"0123456789.,"]
    tokens = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{x}</w>" for x in letters)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer.from_pretrained(folder, model_max_length=length)


def t5_tokenizer() -> T5TokenizerFast:
    """One token a letter; the beginning of a word is one, too."""
    pieces = [(token, 0.0) for token in T5_SPECIAL]
    pieces += [(piece, -2.0) for piece in ("▁", *ascii_lowercase, "0", "1", "2", "3")]
    return T5TokenizerFast(vocab=pieces, extra_ids=0)


def qwen3_tokenizer(*, vision: bool = False) -> Qwen2Tokenizer:
    """One token a byte: prompts of different length stay so.

    Args:
        vision: Whether it also has the tokens that pictures stand at.
    """
    special = (*QWEN3_SPECIAL, *(VISION_SPECIAL if vision else ()))
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(byte) for byte in printable] + [
        chr(256 + i) for i in range(256 - len(printable))
    ]
    vocab = {token: i for i, token in enumerate([*letters, *special])}
    words = Qwen2Tokenizer(vocab=vocab, merges=[], extra_special_tokens=list(special[1:]))
    words.chat_template = QWEN3_TEMPLATE
    return words
