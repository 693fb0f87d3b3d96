"""T5 as a text encoder: a tokenizer that knows letters, and a model of tiny width."""

from string import ascii_lowercase

from transformers import T5Config, T5EncoderModel, T5TokenizerFast

SPECIAL = ("<pad>", "</s>", "<unk>")


def tokenizer() -> T5TokenizerFast:
    """One token a letter; any beginning of a word is one, too."""
    pieces = [(token, 0.0) for token in SPECIAL]
    pieces += [(piece, -2.0) for piece in ("▁", *ascii_lowercase, "0", "1", "2", "3")]
    return T5TokenizerFast(vocab=pieces, extra_ids=0)


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
