"""The model card of what is published: YAML for the Hub, and text for people.

The fields are those of https://huggingface.co/docs/hub/model-cards and, for LoRAs, of Diffusers'
training scripts (`instance_prompt`, `template:sd-lora`, a gallery of `widget`).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from huggingface_hub import ModelCard, ModelCardData

CARD = "README.md"

MARK = "atelier"
"""A tag of everything that was published from here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardLicence:
    """A licence as cards name it.

    Attributes:
        identifier: One of the Hub's, such as `apache-2.0`; `other` for those it doesn't know.
        name: What another licence is called.
        link: Where another licence can be read.
        notice: What it asks to be shown with derivatives.
    """

    identifier: str
    name: str | None = None
    link: str | None = None
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture that is shown, as a path in the repository, and the prompt that painted it."""

    path: str
    prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What a card is made from.

    Attributes:
        title: Its heading.
        repo: `owner/name` on the Hub.
        licence: The licence.
        inherits: Whether the licence is that of `base_model`.
        description: What it's about; empty without words.
        base_model: Hub ID of what it was trained on; `None` if unknown.
        lora_file: The file of a LoRA; `None` for a whole pipeline.
        pipeline: Diffusers' class that paints with it.
        dtype: torch's name for the precision that the example uses.
        needs_picture: Whether it can't paint without a picture.
        trigger: Words that it was trained to answer to.
        samples: Pictures.
        sheet: Path in the repository of a picture of how it learnt; empty without.
        settings: How it was trained, by what people call it.
        tags: More tags.
    """

    title: str
    repo: str
    licence: CardLicence
    inherits: bool = False
    description: str = ""
    base_model: str | None = None
    lora_file: str | None = None
    pipeline: str = "DiffusionPipeline"
    dtype: str = "float16"
    needs_picture: bool = False
    trigger: str = ""
    samples: Sequence[Sample] = ()
    sheet: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    tags: Sequence[str] = ()


def model_card(facts: CardFacts) -> str:
    """The card as Markdown with its head in YAML."""
    parts = [
        f"---\n{_head(facts).to_yaml()}\n---",
        f"# {_plain(facts.title)}",
        "<Gallery />" if facts.samples else "",
        _plain(facts.description),
        _base(facts),
        f"## Trigger words\n\nUse {_code(facts.trigger)} in the prompt." if facts.trigger else "",
        f"## Use it with Diffusers\n\n```python\n{_example(facts)}\n```",
        _with_atelier(facts),
        _training(facts),
        _licence(facts),
    ]
    text = "\n\n".join(part for part in parts if part) + "\n"
    return text.encode(errors="replace").decode()  # what a file says may have lone surrogates


def with_samples(card: str, samples: Sequence[Sample]) -> str:
    """A card that its owner wrote, with pictures for the Hub to show before its own."""
    written = ModelCard(card)
    own = list(written.data.get("widget") or ())
    written.data["widget"] = [*_widget(samples, ""), *own]
    return str(written)


def _widget(samples: Sequence[Sample], trigger: str) -> list[dict[str, object]]:
    """The pictures with their prompts, as the Hub shows them."""
    return [
        {"text": sample.prompt or trigger or "-", "output": {"url": sample.path}}
        for sample in samples
    ]


def _head(facts: CardFacts) -> ModelCardData:
    lora = facts.lora_file is not None
    kinds = ("lora", "template:sd-lora") if lora else ()
    more: dict[str, Any] = {}
    if facts.trigger:
        more["instance_prompt"] = facts.trigger
    if facts.base_model:
        more["base_model_relation"] = "adapter" if lora else "finetune"
    widget = _widget(facts.samples, facts.trigger)
    if not widget and facts.trigger:
        widget = [{"text": facts.trigger}]
    if widget:
        more["widget"] = widget
    return ModelCardData(
        license=facts.licence.identifier,
        license_name=facts.licence.name,
        license_link=facts.licence.link,
        base_model=facts.base_model,
        library_name="diffusers",
        pipeline_tag="image-to-image" if facts.needs_picture else "text-to-image",
        tags=list(dict.fromkeys(("diffusers", *kinds, *facts.tags, MARK))),
        **more,
    )


def _base(facts: CardFacts) -> str:
    what = "A LoRA" if facts.lora_file else "A model"
    if facts.base_model is None:
        return ""
    link = f"[{facts.base_model}](https://huggingface.co/{facts.base_model})"
    return f"{what} trained on {link}."


def _example(facts: CardFacts) -> str:
    lora = facts.lora_file is not None
    loaded = (facts.base_model or "the model that it was trained on") if lora else facts.repo
    prompt = next((each.prompt for each in facts.samples if each.prompt), facts.trigger)
    given = [_quoted(prompt or "a picture")]
    lines = ["import torch", f"from diffusers import {facts.pipeline}"]
    if facts.needs_picture:
        lines.append("from diffusers.utils import load_image")
        given = ['image=load_image("picture.png")', f"prompt={given[0]}"]
    lines += [
        "",
        f"pipe = {facts.pipeline}.from_pretrained({_quoted(loaded)}, "
        f'torch_dtype=torch.{facts.dtype}).to("cuda")',
    ]
    if lora:
        name = _quoted(facts.lora_file or "")
        lines.append(f"pipe.load_lora_weights({_quoted(facts.repo)}, weight_name={name})")
    return "\n".join([*lines, f'pipe({", ".join(given)}).images[0].save("painted.png")'])


def _with_atelier(facts: CardFacts) -> str:
    command = "loras" if facts.lora_file else "models"
    return f"With Atelier: `python bot.py {command} add {facts.repo}`"


def _training(facts: CardFacts) -> str:
    rows = [f"| {name} | {_plain(value)} |" for name, value in facts.settings.items()]
    parts = [
        "\n".join(["| Setting | Value |", "| --- | --- |", *rows]) if rows else "",
        f"![Samples on the way; in the first row, the model before]({facts.sheet})"
        if facts.sheet
        else "",
    ]
    text = "\n\n".join(part for part in parts if part)
    return f"## Training\n\n{text}" if text else ""


def _licence(facts: CardFacts) -> str:
    licence = facts.licence
    shown = licence.name or licence.identifier
    linked = f"[{shown}]({licence.link})" if licence.link else shown
    inherited = ", as the model that it was trained on" if facts.inherits else ""
    text = f"## Licence\n\n{linked}{inherited}."
    return f"{text}\n\n{licence.notice}" if licence.notice else text


def _plain(text: str) -> str:
    """Words of others, without what they would do as Markdown or HTML: hide the rest of a card."""
    lines = (re.sub(r"[\\`*_\[\]<>#|~&=]", r"\\\g<0>", each.strip()) for each in text.splitlines())
    return "\n".join(lines)


def _code(text: str) -> str:
    """A line of code, between more backticks than are in it."""
    line = " ".join(text.split())
    if "`" not in line:
        return f"`{line}`"
    fence = "`" * (max(map(len, re.findall("`+", line))) + 1)
    return f"{fence} {line} {fence}"


def _quoted(text: str) -> str:
    """A string in Python's and JSON's notation, without what would end the block of code."""
    return json.dumps(text, ensure_ascii=False).replace("```", "'''")
