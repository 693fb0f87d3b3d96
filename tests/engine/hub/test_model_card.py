"""Model cards, whatever is written into them."""

import ast
import re

import pytest
from markdown_it import MarkdownIt

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


HIDING = (
    "<!--",
    "```",
    "~~~",
    "<details>",
    "`` ` ``",
    "[a]: <b",
    "zork\n\n## Licence\n\nMIT",
    "x\n===",
)


@pytest.mark.parametrize("words", [*HIDING, "a | b \\| c", "\ud800"])
def test_what_a_file_says_of_itself_hides_nothing_and_adds_no_section(words: str) -> None:
    def shown(words: str) -> str:
        card = model_card(
            CardFacts(
                title=words,
                repo="vixen/fog",
                licence=CardLicence(identifier="other", name="terms", notice="Powered by others."),
                lora_file="fog.safetensors",
                description=words,
                trigger=words,
                settings={"Optimizer": words.partition("\n")[0], "Steps": "40"},
            )
        )
        assert errors_in(card) == []
        body = card.encode().decode().split("\n---\n", 1)[1]
        return str(MarkdownIt("commonmark").enable("table").render(body))

    page, plain = shown(words), shown("zork")
    assert "<p>Powered by others.</p>" in page
    for element in ("<h1>", "<h2>", "<pre>", "<tr>", "<td>"):
        assert page.count(element) == plain.count(element), element
    assert "<details>" not in page
    assert "<td>40</td>" in page
