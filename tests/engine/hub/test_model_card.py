"""Model cards, whatever is written into them."""

import ast
import re

from engine.hub.model_card import CardFacts, CardLicence, Sample, model_card
from tests.hub_server.cards import errors_in, head_of

NASTY = 'a "fox": {x}\n---\n```\n# zork \\ \'é'


def test_a_prompt_can_break_neither_the_head_nor_the_example() -> None:
    card = model_card(
        CardFacts(
            title="fog",
            repo="vixen/fog",
            licence=CardLicence(identifier="mit"),
            base_model="black-forest-labs/FLUX.1-Kontext-dev",
            lora_file="fog.safetensors",
            pipeline="FluxKontextPipeline",
            dtype="bfloat16",
            needs_picture=True,
            trigger="zork",
            samples=[Sample("images/1.png", NASTY)],
        )
    )
    assert errors_in(card) == []
    assert head_of(card)["widget"][0]["text"] == NASTY
    assert head_of(card)["pipeline_tag"] == "image-to-image"
    [example] = re.findall(r"```python\n(.*?)\n```", card, re.DOTALL)
    ast.parse(example)
    assert 'load_lora_weights("vixen/fog", weight_name="fog.safetensors")' in example
