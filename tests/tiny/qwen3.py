"""Qwen3 as a text encoder: a tokenizer that knows bytes, and a config of tiny width."""

from transformers import Qwen2Tokenizer, Qwen3Config

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>")

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
"""What a Qwen3 chat looks like to it, as far as a single turn goes."""


def tokenizer() -> Qwen2Tokenizer:
    """One token a byte: prompts of different length stay so."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(byte) for byte in printable] + [
        chr(256 + i) for i in range(256 - len(printable))
    ]
    vocab = {token: i for i, token in enumerate([*letters, *SPECIAL])}
    words = Qwen2Tokenizer(vocab=vocab, merges=[], extra_special_tokens=list(SPECIAL[1:]))
    words.chat_template = TEMPLATE
    return words


def config(layers: int) -> Qwen3Config:
    """Hidden states of width 16."""
    return Qwen3Config(
        vocab_size=256 + len(SPECIAL),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        max_position_embeddings=512,
        initializer_range=0.5,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
