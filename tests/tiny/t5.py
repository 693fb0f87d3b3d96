"""T5 as a text encoder of tiny width."""

from transformers import T5Config, T5EncoderModel, T5TokenizerFast


def encoder(words: T5TokenizerFast) -> T5EncoderModel:
    """Hidden states of width 32."""
    config = T5Config(
        vocab_size=len(words),
        d_model=32,
        d_kv=8,
        d_ff=32,
        num_layers=1,
        num_heads=2,
        feed_forward_proj="gated-gelu",
    )
    return T5EncoderModel(config)
