"""Black pictures: which precision is safe where, and what comes after one that overflowed."""

from dataclasses import replace

import pytest

from engine.memory.device import DeviceFacts
from engine.memory.plan import Stage
from engine.memory.planner import choose
from engine.memory.precision import Overflow, computes_float16, safe_dtype
from engine.memory.profiles import ModelProfile, ProfileStore
from engine.models.families import FAMILIES
from tests.engine.builders import measurement
from tests.engine.memory.models import GB, plan_request

AMPERE = DeviceFacts.imagined(12 * GB)
TURING = replace(AMPERE, bf16=False, compute_capability=(7, 5))
GTX_1660 = replace(TURING, float16=False)


@pytest.mark.parametrize(
    ("card", "works"),
    [
        ("NVIDIA GeForce GTX 1660 SUPER", False),
        ("NVIDIA GeForce GTX 1650", False),
        ("NVIDIA GeForce MX450", False),
        ("NVIDIA T1000 8GB", False),
        ("Quadro T2000 with Max-Q Design", False),
        ("NVIDIA GeForce RTX 2060", True),
        ("NVIDIA GeForce GTX 1060 6GB", True),
        ("Tesla T4", True),
        ("NVIDIA RTX A2000 12GB", True),
        ("NVIDIA GeForce RTX 4060 Ti", True),
    ],
)
def test_cards_whose_float16_gives_black_are_known_by_name(card: str, works: bool) -> None:
    assert computes_float16(card) is works


@pytest.mark.parametrize(
    ("family", "device", "dtype"),
    [
        ("sd", AMPERE, "float16"),
        ("sd", GTX_1660, "float32"),
        ("flux", AMPERE, "bfloat16"),
        ("flux", TURING, "float16"),
        ("flux", GTX_1660, "float32"),
        ("z-image", TURING, "float32"),
        ("qwen-image", TURING, "float32"),
        ("sd", replace(AMPERE, kind="cpu"), "float32"),
    ],
)
def test_the_half_precision_that_is_safe_or_none(
    family: str, device: DeviceFacts, dtype: str
) -> None:
    assert safe_dtype(FAMILIES[family], device) == dtype


@pytest.mark.parametrize(
    ("family", "device", "setting", "overflowed", "dtype"),
    [
        ("sdxl", AMPERE, "auto", {"float16"}, "bfloat16"),
        ("sdxl", TURING, "auto", {"float16"}, "float32"),
        ("sdxl", AMPERE, "auto", {"float16", "bfloat16"}, "float32"),
        ("flux", AMPERE, "auto", {"bfloat16"}, "float32"),
        ("sdxl", AMPERE, "float16", {"float16"}, "bfloat16"),
        ("sdxl", AMPERE, "bfloat16", {"float16"}, "bfloat16"),
        ("z-image", TURING, "float16", set(), "float16"),
    ],
)
def test_what_overflowed_is_not_tried_again_whoever_chose_it(
    family: str, device: DeviceFacts, setting: str, overflowed: set[str], dtype: str
) -> None:
    assert safe_dtype(FAMILIES[family], device, setting, overflowed) == dtype


def test_the_owner_is_told_in_the_plan_what_overflowed() -> None:
    known = frozenset({Overflow("tiny", "card", Stage.STEP, "float16")})
    card = replace(AMPERE, name="RTX 3060")
    choice = choose(plan_request("sd", device=card, profile=ModelProfile(overflows=known)))
    assert choice.notes == (
        "With this model RTX 3060 has painted black in float16, so it computes in bfloat16.",
    )


def test_a_vae_that_overflowed_alone_decodes_in_float32() -> None:
    alone = Overflow("tiny", "card", Stage.DECODE, "float16")
    request = plan_request("sd", profile=ModelProfile(overflows=frozenset({alone})))
    plan, before = choose(request).plan, choose(plan_request("sd")).plan
    assert (plan.dtype, plan.vae_float32) == ("float16", True)
    assert plan.working[Stage.DECODE] > 1.9 * before.working[Stage.DECODE]
    assert plan.places["vae"].weight_bytes == 2 * before.places["vae"].weight_bytes


def test_what_overflowed_is_known_of_a_model_and_a_device_until_it_is_forgotten() -> None:
    overflow = Overflow("tiny", "card", Stage.STEP, "float16")
    store = ProfileStore([measurement()], [overflow])
    profile = store.profile("tiny", "card")
    assert profile.overflowed(Stage.STEP) == {"float16"}
    assert profile.plus(measurement(seconds=2.0)).overflows == {overflow}
    assert not store.profile("tiny", "another card").overflows
    store.forget("tiny")
    assert store.profile("tiny", "card") == ModelProfile()
