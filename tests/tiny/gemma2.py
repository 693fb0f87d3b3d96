"""Gemma 2 as a text encoder: a tokenizer that knows letters, and a model of tiny width."""

from string import ascii_letters

from transformers import Gemma2Config, Gemma2Model, GemmaTokenizer

SPECIAL = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")


def tokenizer() -> GemmaTokenizer:
    """One token a letter, after one for the beginning."""
    vocab = {token: i for i, token in enumerate((*SPECIAL, "▁", *ascii_letters))}
    return GemmaTokenizer(vocab=vocab, add_bos_token=True)


def encoder(words: GemmaTokenizer, *, layers: int = 1) -> Gemma2Model:
    """Hidden states of width 16."""
    return Gemma2Model(
        Gemma2Config(
            vocab_size=len(words),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=layers,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
            initializer_range=0.5,
        )
    )
