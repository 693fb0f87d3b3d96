"""Which plan is chosen, why, and that memory only ever helps."""

from dataclasses import replace
from itertools import pairwise

import pytest

from engine.memory.components import Role
from engine.memory.device import DeviceFacts
from engine.memory.plan import MemoryOptions, Offload, Plan, Quantization, Residence, Stage
from engine.memory.planner import choose, plans
from engine.models.families import FAMILIES
from tests.engine.memory.models import GB, MODELS, plan_request

RESIDENT, OFFLOADED, STREAMED = Residence.RESIDENT, Residence.OFFLOADED, Residence.STREAMED
BUDGETS = [1.5, 1.6, 1.8, 2, 2.3, 2.7, 3, 3.5, 4, 5, *range(6, 36, 2), 40, 48, 80]
"""1.5 to 80 GB."""
IF_NEEDED = MemoryOptions(quantize="if_needed", quantize_text_encoder="if_needed")


def residences(plan: Plan) -> dict[str, Residence]:
    return {name: place.residence for name, place in plan.places.items()}


@pytest.mark.parametrize(
    ("model", "gb", "slowdown"),
    [
        ("sd", 4, 1.0),
        ("sd", 2, 1.4),
        ("sd", 1.5, 2.5),
        ("sdxl", 24, 1.0),
        ("sdxl", 12, 1.05),
        ("sdxl", 8, 1.1),
        ("sdxl", 6, 1.2),
        ("sdxl", 4, 1.2),
        ("sd3", 24, 1.05),
        ("flux", 48, 1.0),
        ("flux", 24, 1.1),
        ("flux", 12, 1.1),
        ("flux", 8, 1.1),
        ("z-image", 12, 1.1),
        ("z-image", 8, 1.1),
        ("qwen-image", 24, 1.1),
    ],
)
def test_every_known_model_has_a_plan_on_every_common_card(
    model: str, gb: float, slowdown: float
) -> None:
    choice = choose(plan_request(model, gb))
    assert choice.fits, choice.problem
    assert choice.plan.peak_bytes <= DeviceFacts.imagined(int(gb * GB)).usable_bytes
    assert 1.0 <= choice.plan.slowdown <= slowdown
    assert not choice.plan.changes_picture


@pytest.mark.parametrize("model", sorted(MODELS))
def test_more_memory_never_gives_a_slower_plan(model: str) -> None:
    before = float("inf")
    for gb in BUDGETS:
        choice = choose(plan_request(model, gb, batch=2))
        if choice.fits:
            assert choice.plan.slowdown <= before, f"{gb} GB"
            assert choice.plan.peak_bytes <= DeviceFacts.imagined(int(gb * GB)).usable_bytes
            before = choice.plan.slowdown
        else:
            assert before == float("inf"), f"fits on less, not on {gb} GB"
    assert before == 1.0, "80 GB hold everything"


@pytest.mark.parametrize("model", ["sd", "flux"])
def test_quantization_only_ever_makes_plans_faster(model: str) -> None:
    for gb in BUDGETS[::4]:
        plain, free = (
            choose(plan_request(model, gb, memory_options=w)) for w in (MemoryOptions(), IF_NEEDED)
        )
        if plain.fits:
            assert free.fits
            assert free.plan.slowdown <= plain.plan.slowdown
            assert not plain.plan.changes_picture
            if free.plan.changes_picture:
                assert free.plan.slowdown * 1.1 <= plain.plan.slowdown


def test_the_ladder_of_plans_goes_down_in_speed_and_in_memory() -> None:
    found = plans(plan_request("sdxl", 8, batch=4))
    assert len(found) > 5
    for faster, slower in pairwise(found):
        assert faster.slowdown <= slower.slowdown
        assert faster.peak_bytes > slower.peak_bytes
    assert set(residences(found[0]).values()) == {RESIDENT}
    assert all(place.layer_by_layer for place in found[-1].places.values())


def test_each_faster_plan_is_passed_over_for_a_reason() -> None:
    choice = choose(plan_request("flux", 12))
    reasons = [verdict.reason for verdict in choice.passed_over]
    assert reasons[0] == "needs 38.4 GB to decode; only 11.2 GB free"
    assert all(verdict.plan.slowdown <= choice.plan.slowdown for verdict in choice.passed_over)
    assert choose(plan_request("sd", 12)).passed_over == ()


def test_quantization_that_would_help_is_named_with_the_setting_that_allows_it() -> None:
    choice = choose(plan_request("sd", 1.5))
    offered = [verdict for verdict in choice.passed_over if verdict.plan.changes_picture]
    assert offered
    assert offered[0].plan.slowdown < choice.plan.slowdown
    assert offered[0].reason == (
        "changes the picture slightly; [engine] quantize = “layerwise” allows it"
    )


def test_matrices_are_multiplied_in_fewer_bits_only_where_speed_may_cost_fidelity() -> None:
    exact = plan_request("flux", 24)
    close = replace(exact, memory_options=replace(exact.memory_options, speed="close"))
    methods = [choose(each).plan.places["transformer"].quantization for each in (exact, close)]
    assert methods == [None, Quantization.FLOAT8_MATMUL]
    assert choose(close).notes == choose(exact).notes
    unet = plan_request("sdxl", 24)
    unet = replace(unet, memory_options=replace(unet.memory_options, speed="quick"))
    assert choose(unet).plan.places["unet"].quantization is None
    older = replace(close, device=replace(close.device, compute_capability=(7, 5)))
    assert choose(older).plan.places["transformer"].quantization is None
    assert (
        "[engine] speed = “close”: matrices are multiplied as usual, since int8mm needs a card "
        "with compute capability 8.0, but this one has 7.5." in choose(older).notes
    )


def test_the_vae_of_sdxl_decodes_in_float32_unless_it_is_the_safe_one() -> None:
    plain = choose(plan_request("sdxl", 24)).plan
    assert plain.vae_float32
    assert plain.working[Stage.DECODE] > 9 * GB
    safe = tuple(replace(c, force_upcast=False) for c in MODELS["sdxl"])
    fixed = choose(plan_request("sdxl", 24, components=safe)).plan
    assert not fixed.vae_float32
    assert fixed.working[Stage.DECODE] < 5 * GB
    bfloat = choose(plan_request("sdxl", 24, memory_options=MemoryOptions(dtype="bfloat16"))).plan
    assert not bfloat.vae_float32, "only float16 overflows"


def test_the_largest_batch_that_fits_without_a_slower_rung() -> None:
    plan = choose(plan_request("sdxl", 24, batch=8)).plan
    assert (plan.batch, plan.slowdown) == (8, 1.0)
    alone = choose(plan_request("sdxl", 24)).plan
    assert plan.working[Stage.DECODE] == alone.working[Stage.DECODE], "decoded one by one"
    tight = choose(plan_request("z-image", 23.5, batch=8)).plan
    alone = choose(plan_request("z-image", 23.5)).plan
    assert residences(tight) == residences(alone)
    assert 1 <= tight.batch < 8


def test_a_batch_shares_what_is_streamed() -> None:
    alone, four = (choose(plan_request("sd", 1.5, batch=batch)).plan for batch in (1, 4))
    assert alone.places["unet"].residence is four.places["unet"].residence is STREAMED
    assert four.batch == 4
    assert four.slowdown < alone.slowdown


def test_what_streams_keeps_as_many_blocks_as_fit() -> None:
    kept = [
        choose(plan_request("sd", gb)).plan.places["unet"].resident_bytes for gb in (1.5, 1.75, 2.0)
    ]
    assert kept == sorted(kept)
    assert kept[0] < kept[-1]


@pytest.mark.parametrize(
    ("offload", "homes"),
    [
        (Offload.RESIDENT, {"text_encoder": RESIDENT, "unet": RESIDENT, "vae": RESIDENT}),
        (Offload.ENCODERS, {"text_encoder": OFFLOADED, "unet": RESIDENT, "vae": RESIDENT}),
        (Offload.MODEL, {"text_encoder": OFFLOADED, "unet": OFFLOADED, "vae": OFFLOADED}),
        (Offload.SEQUENTIAL, {"text_encoder": STREAMED, "unet": STREAMED, "vae": STREAMED}),
    ],
)
def test_a_wish_for_a_rung_is_honoured_alone(offload: Offload, homes: dict[str, Residence]) -> None:
    for gb in (24, 1):
        assert (
            residences(
                choose(plan_request("sd", gb, memory_options=MemoryOptions(offload=offload))).plan
            )
            == homes
        )


def test_a_wish_that_does_not_fit_says_so() -> None:
    choice = choose(plan_request("flux", 8, memory_options=MemoryOptions(offload=Offload.RESIDENT)))
    assert not choice.fits
    assert choice.problem == (
        "No plan fits. Even the leanest needs 34.2 GB to denoise; only 7.4 GB free."
    )


def test_quantized_weights_that_cannot_stream_may_fit_less_than_plain_ones() -> None:
    choice = choose(plan_request("flux", 12, memory_options=MemoryOptions(quantize="float8")))
    assert choice.problem == (
        "No plan fits. Even the leanest needs 12.7 GB to denoise; only 11.2 GB free. "
        "Unquantized weights can be streamed: without [engine] quantize, a plan fits."
    )


def test_streaming_alone_makes_what_fits_whole_visit() -> None:
    memory_options = MemoryOptions(offload=Offload.STREAM)
    homes = residences(choose(plan_request("flux", 8, memory_options=memory_options)).plan)
    assert homes["text_encoder"] is OFFLOADED, "its 246 MB need no streaming"
    assert homes["text_encoder_2"] is homes["transformer"] is STREAMED


def test_tiling_as_the_owner_says() -> None:
    assert (
        choose(
            plan_request("sdxl", 80, memory_options=MemoryOptions(vae_tiling=True))
        ).plan.tile_side
        == 512
    )
    assert (
        choose(
            plan_request("sdxl", 8, memory_options=MemoryOptions(vae_tiling=False))
        ).plan.tile_side
        == 0
    )
    sd = choose(plan_request("sd", 12, memory_options=MemoryOptions(vae_tiling=True))).plan
    assert sd.vae_tiling


def test_small_tiles_overlap_by_half() -> None:
    plan = choose(plan_request("sd", 1.5)).plan
    assert (plan.tile_side, plan.tile_overlap) == (256, 0.5)
    qwen = choose(
        plan_request("qwen-image", 80, memory_options=MemoryOptions(vae_tiling=True))
    ).plan
    assert (qwen.tile_side, qwen.tile_overlap) == (256, 0.25)


def test_a_quantization_by_name_is_used_or_left_out_with_a_note() -> None:
    memory_options = MemoryOptions(quantize="float8", quantize_text_encoder="nf4")
    plan = choose(plan_request("flux", 24, memory_options=memory_options)).plan
    assert plan.places["transformer"].quantization is Quantization.FLOAT8
    assert plan.places["text_encoder_2"].quantization is Quantization.NF4
    assert plan.places["vae"].quantization is None
    older = replace(DeviceFacts.imagined(24 * GB), compute_capability=(8, 6))
    choice = choose(plan_request("flux", memory_options=memory_options, device=older))
    assert choice.plan.places["transformer"].quantization is None
    assert choice.notes == (
        "[engine] quantize is ignored: float8 needs a card with compute capability 8.9, but "
        "this one has 8.6.",
    )


def test_a_card_without_bfloat16_takes_float16_and_hears_of_it() -> None:
    older = replace(DeviceFacts.imagined(24 * GB), bf16=False, name="GTX 1080")
    choice = choose(plan_request("flux", device=older))
    assert choice.plan.dtype == "float16"
    assert "GTX 1080 has no bfloat16, which FLUX.1 is made for" in choice.notes[0]
    assert choose(plan_request("sd", device=older)).notes == ()


def test_float32_where_half_precision_would_paint_black_is_explained() -> None:
    turing = replace(DeviceFacts.imagined(24 * GB), bf16=False, name="RTX 2060")
    choice = choose(plan_request("z-image", device=turing))
    assert choice.plan.dtype == "float32"
    assert choice.notes == (
        "In half precision RTX 2060 would paint black with this model, so it computes in float32: "
        "twice the memory, and slower.",
    )


@pytest.mark.parametrize("ram", [14, 30])
def test_without_enough_ram_no_plan_fits_and_none_is_slower_for_it(ram: int) -> None:
    """RAM holds the weights wherever else they live."""
    poor = replace(DeviceFacts.imagined(24 * GB), ram_free_bytes=ram * GB)
    choice = choose(plan_request("flux", device=poor))
    assert choice.problem == (
        f"The weights need 33.7 GB of RAM; only {ram}.0 GB free. In fewer bits they fit: set "
        "[engine] quantize and quantize_text_encoder to “if_needed”."
    )
    rich = choose(plan_request("flux", 24)).plan
    assert residences(choice.plan) == residences(rich)
    quantized = choose(plan_request("flux", device=poor, memory_options=IF_NEEDED))
    assert quantized.fits
    assert quantized.plan.changes_picture


@pytest.mark.parametrize("kind", ["cpu", "mps"])
def test_without_memory_of_its_own_everything_stays(kind: str) -> None:
    machine = DeviceFacts(
        kind=kind,
        name=kind,
        total_bytes=16 * GB,
        free_bytes=12 * GB,
        reserve_bytes=GB,
        ram_free_bytes=12 * GB,
    )
    choice = choose(plan_request("sd", device=machine))
    assert choice.fits
    assert set(residences(choice.plan).values()) == {RESIDENT}
    assert choice.plan.dtype == ("float32" if kind == "cpu" else "float16")
    assert not choose(plan_request("flux", device=machine)).fits
    assert not choice.notes
    asked = choose(
        plan_request("sd", device=machine, memory_options=MemoryOptions(offload=Offload.MODEL))
    )
    assert asked.plan == choice.plan
    assert asked.notes == (
        f"[engine] offload is ignored: the memory of {kind} is RAM, so moving weights there would "
        "save none.",
    )


def test_imagined_devices_are_planned_by_their_kind() -> None:
    cuda, xpu = (
        DeviceFacts.imagined(16 * GB, ram_free_bytes=60 * GB, kind=kind) for kind in ("cuda", "xpu")
    )
    assert residences(choose(plan_request("flux", device=xpu)).plan) == (
        residences(choose(plan_request("flux", device=cuda)).plan)
    )
    assert pinned(xpu) == pinned(cuda) != set()
    mac = DeviceFacts.imagined(16 * GB, kind="mps")
    assert mac.usable_bytes == mac.ram_free_bytes == 16 * GB * 2 // 3
    assert not choose(plan_request("flux", device=mac)).fits
    large = DeviceFacts.imagined(64 * GB, kind="mps")
    plan = choose(plan_request("flux", device=large)).plan
    assert set(residences(plan).values()) == {RESIDENT}
    assert large.usable_bytes == 48 * GB
    assert pinned(large) == set(), "there is nothing to transfer"


def pinned(device: DeviceFacts) -> set[str]:
    places = choose(plan_request("flux", device=device)).plan.places
    return {name for name, place in places.items() if place.pinned}


def test_key_names_every_choice_but_the_batch() -> None:
    alone, four = (choose(plan_request("sdxl", 24, batch=batch)).plan for batch in (1, 4))
    assert alone.key == four.key == "float16"
    flux = choose(plan_request("flux", 8, memory_options=MemoryOptions(quantize="float8"))).plan
    assert flux.key.startswith("bfloat16·text_encoder visits·")
    assert "float8" in flux.key


def test_every_family_can_be_planned() -> None:
    for family in FAMILIES.values():
        found = choose(replace(plan_request("flux", 24), family=family))
        assert found.fits, family.label


def test_tiles_come_before_a_denoiser_that_streams_only_to_decode() -> None:
    plan = choose(plan_request("flux", 30)).plan
    streams = plan.places["transformer"].residence is Residence.STREAMED
    assert plan.tile_side or not streams


def test_sdxl_on_12_gb_does_not_stream() -> None:
    places = choose(replace(plan_request("sdxl", 12), steps=2)).plan.places.values()
    assert all(place.residence is not Residence.STREAMED for place in places)


@pytest.mark.parametrize("gb", [24, 8, 6, 5, 4])
def test_a_control_network_is_part_of_the_plan(gb: float) -> None:
    plain = plan_request("sdxl", gb)
    [unet] = plain.denoisers
    network = replace(unet, name="controlnet.union", role=Role.CONTROL, parameters=1_250_000_000)
    request = replace(plain, components=(*plain.components, network), controlled=True)
    choice = choose(request)
    assert choice.fits, choice.problem
    place = choice.plan.places["controlnet.union"]
    assert place.quantization is None
    at_step = {
        name: each.resident_bytes
        for name, each in choice.plan.places.items()
        if name in ("unet", "controlnet.union") or each.residence is RESIDENT
    }
    assert choice.plan.weights[Stage.STEP] >= sum(at_step.values())
    assert choice.plan.working[Stage.STEP] > choose(plain).plan.working[Stage.STEP] / 2
