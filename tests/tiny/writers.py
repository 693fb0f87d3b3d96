"""Models that write, with the real architectures, tiny: at random, or what they are told to."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    BartConfig,
    BertTokenizer,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessorPil,
    BlipProcessor,
    CLIPImageProcessorPil,
    Florence2Config,
    Florence2ForConditionalGeneration,
    Florence2Processor,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLImageProcessorPil,
    Qwen3ForCausalLM,
)

from benchmarks.tokenizers import qwen3_tokenizer
from tests.tiny import qwen3
from tests.tiny.qwen_image import text_config

WORDS = "a the fox house tree boat red blue green old in on under beside with snow rain light"

SIDE = 32

SEEING_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""What a chat about a picture looks like to Qwen2.5-VL."""


def blip(folder: Path) -> Path:
    """Save a BLIP with random weights that knows `WORDS` into `folder`; it is made."""
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS.split()]
    (folder / "vocab.txt").write_text("\n".join(words))
    text = {
        "vocab_size": len(words),
        "encoder_hidden_size": 16,
        "max_position_embeddings": 256,
        "bos_token_id": 2,
        "eos_token_id": 3,
        "sep_token_id": 3,
        "pad_token_id": 0,
        "initializer_range": 1.0,
    }
    vision = {"image_size": SIDE, "patch_size": 16, "initializer_range": 1.0}
    for part in (text, vision):
        part |= {"hidden_size": 16, "intermediate_size": 16}
        part |= {"num_hidden_layers": 1, "num_attention_heads": 2}
    model: Any = BlipForConditionalGeneration(
        BlipConfig(text_config=text, vision_config=vision, initializer_range=1.0)
    )
    with torch.no_grad():
        model.text_decoder.bert.encoder.layer[0].crossattention.output.dense.weight *= 8
        words_alone = model.text_decoder.cls.predictions
        words_alone.transform.LayerNorm.weight *= 0.3  # nothing is sure
        words_alone.decoder.bias[:5] = -100.0  # it never ends, nor says anything but words
    model.save_pretrained(folder)
    images = BlipImageProcessorPil(size={"height": SIDE, "width": SIDE})
    BlipProcessor(images, BertTokenizer.from_pretrained(folder)).save_pretrained(folder)
    return folder


def blip_that_says(folder: Path, *captions: str) -> Path:
    """Save a BLIP into `folder` that says one of the captions, whatever it sees; it is made.

    A caption is one token to it. The first is a little likelier than the others.
    """
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *captions]
    model: Any = BlipForConditionalGeneration.from_pretrained(blip(folder))
    model.resize_token_embeddings(len(words))
    decoder = model.text_decoder
    with torch.no_grad():
        for name, weights in decoder.named_parameters():
            weights.fill_(1.0 if name.endswith("LayerNorm.weight") else 0.0)
        tokens = decoder.bert.embeddings.word_embeddings.weight  # those that it says, too
        tokens[2, 0] = tokens[5:, 1] = tokens[3, 2] = 20.0
        follows = decoder.cls.predictions.transform.dense.weight
        follows[1, 0] = follows[2, 1] = 1.0  # a caption the beginning, the end a caption
        decoder.cls.predictions.decoder.bias[5] = 0.1
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(words), "utf-8")
    tokenizer = BertTokenizer({word: place for place, word in enumerate(words)})
    images = BlipImageProcessorPil(size={"height": SIDE, "width": SIDE})
    BlipProcessor(images, tokenizer).save_pretrained(folder)
    return folder


def florence2(folder: Path) -> Path:
    """Save a Florence-2 with random weights into `folder`; it is made."""
    torch.manual_seed(0)
    asked = "what does the image describe ? in detail is shown . with a paragraph"
    words = ["<s>", "<pad>", "</s>", "<unk>", "<image>", *{**dict.fromkeys(asked.split())}, "fox"]
    raw = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        extra_special_tokens={"image_token": "<image>"},
    )
    text = BartConfig(
        vocab_size=len(words),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=2,
        init_std=1.0,
        max_position_embeddings=256,
    )
    vision = {
        "embed_dim": [8, 8, 8, 16],
        "depths": [1] * 4,
        "num_heads": [1] * 4,
        "num_groups": [1] * 4,
        "window_size": 4,
        "projection_dim": 16,
    }
    config = Florence2Config(
        text_config=text.to_dict(),
        vision_config=vision,
        image_token_id=4,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
    )
    Florence2ForConditionalGeneration(config).save_pretrained(folder)
    size = {"height": 64, "width": 64}
    images = CLIPImageProcessorPil(size=size, do_center_crop=False)
    images.image_seq_length = 5  # four patches, and their mean
    Florence2Processor(images, tokenizer).save_pretrained(folder)
    return folder


def qwen_vl(folder: Path) -> Path:
    """Save a Qwen2.5-VL with random weights into `folder`; it is made."""
    torch.manual_seed(0)
    letters = qwen3_tokenizer(vision=True)
    config = text_config(letters)
    config.image_token_id = letters.convert_tokens_to_ids("<|image_pad|>")
    config.vision_config.fullatt_block_indexes = [0]
    model: Any = Qwen2_5_VLForConditionalGeneration(config)
    model.save_pretrained(folder)
    letters.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(SEEING_CHAT, "utf-8")
    Qwen2VLImageProcessorPil(min_pixels=28**2, max_pixels=56**2).save_pretrained(folder)
    file = folder / "preprocessor_config.json"
    named = json.loads(file.read_text("utf-8")) | {"processor_class": "Qwen2_5_VLProcessor"}
    file.write_text(json.dumps(named), "utf-8")
    return folder


def babbler(folder: Path) -> Path:
    """Save a Qwen3 with random weights and its chat template into `folder`; it is made."""
    torch.manual_seed(0)
    model: Any = Qwen3ForCausalLM(qwen3.config(1))
    model.save_pretrained(folder)
    qwen3_tokenizer().save_pretrained(folder)
    return folder


def parrot(folder: Path, text: str, chat_template: str | None = "<chat>") -> Path:
    """Save a GPT-2 into `folder` that says `text`, a character at a time, and then ends.

    What it says next depends on the position alone, and every chat is one token to it.

    Args:
        folder: Where to; it is made.
        text: What it says.
        chat_template: What a chat looks like to it; a template that makes one token of it.
    """
    torch.manual_seed(0)
    characters = ["<end>", "<chat>", *dict.fromkeys(text)]
    vocab = {character: place for place, character in enumerate(characters)}
    raw = Tokenizer(models.WordLevel(vocab, unk_token="<chat>"))
    raw.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    raw.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<end>", pad_token="<end>", unk_token="<chat>"
    )
    tokenizer.chat_template = chat_template
    said = [*(vocab[character] for character in text), vocab["<end>"]]
    config = GPT2Config(
        vocab_size=len(vocab),
        n_positions=len(said) + 8,
        n_embd=len(said) + 8,
        n_layer=1,
        n_head=1,
        eos_token_id=0,
        bos_token_id=0,
        tie_word_embeddings=False,
    )
    model: Any = GPT2LMHeadModel(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.transformer.wpe.weight.copy_(torch.eye(len(said) + 8))
        model.transformer.ln_f.weight.fill_(1.0)
        for place, token in enumerate(said):
            model.lm_head.weight[token, place] = 100.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
