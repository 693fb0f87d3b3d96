"""Qwen3 as a text encoder of tiny width."""

from transformers import Qwen3Config

from benchmarks.tokenizers import QWEN3_SPECIAL


def config(layers: int) -> Qwen3Config:
    """Hidden states of width 16."""
    return Qwen3Config(
        vocab_size=256 + len(QWEN3_SPECIAL),
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
