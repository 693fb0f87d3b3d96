"""A plan, told."""

from engine.memory.plan import MemoryOptions
from engine.memory.plan_table import describe_plan, tabulate
from engine.memory.planner import choose
from tests.engine.memory.models import plan_request


def test_a_plan_that_fits_at_once_is_told_in_few_words() -> None:
    table = tabulate(plan_request("sd", 12, batch=4))
    assert table.summary == "everything on the device, in batches of up to 4"
    assert [(row.name, row.size, row.lives) for row in table.components] == [
        ("text_encoder", "246 MB", "on the device"),
        ("unet", "1.7 GB", "on the device"),
        ("vae", "167 MB", "on the device"),
    ]
    assert table.peaks[2] == ("decoding", "3.4 GB")
    assert table.peak == "3.4 GB of 11.2 GB free on a card with 12 GB"
    assert table.slowdown == "1.00 ×"
    assert (table.passed_over, table.problem, table.notes) == ((), None, ())


def test_a_plan_under_pressure_says_where_everything_lives_and_why() -> None:
    table = tabulate(plan_request("flux", 8))
    assert table.components[0].lives == "in RAM, loaded when needed"
    assert table.components[2].lives.startswith("in RAM, streamed block by block,")
    assert table.passed_over[0] == (
        "everything on the device",
        "1.00 ×",
        "needs 38.4 GB to decode; only 7.4 GB free",
    )
    assert table.problem is None


def test_what_follows_is_remarked() -> None:
    notes = tabulate(plan_request("sdxl", 24)).notes
    assert len(notes) == 1
    assert "decodes in float32" in notes[0]
    quantized = tabulate(plan_request("flux", 12, memory_options=MemoryOptions(quantize="nf4")))
    assert quantized.components[2].lives == "on the device, quantized as nf4"
    assert quantized.notes == ("Quantized weights change the picture slightly.",)


def test_speed_is_told_with_what_it_costs() -> None:
    close, quick = (
        tabulate(plan_request("sd", 12, memory_options=MemoryOptions(speed=speed))).notes[-1]
        for speed in ("close", "quick")
    )
    assert close.startswith("Speed “close”: pictures may differ by rounding")
    assert quick.startswith("Speed “quick”: pictures of 20 steps or more save about two fifths")


def test_plans_in_words() -> None:
    memory_options = MemoryOptions(quantize="float8", quantize_text_encoder="nf4")
    assert describe_plan(choose(plan_request("flux", 24, memory_options=memory_options)).plan) == (
        "everything on the device, text_encoder and text_encoder_2 quantized as nf4, "
        "transformer quantized as float8"
    )
    sd = choose(plan_request("sd", 1.5)).plan
    assert describe_plan(sd) == (
        "text_encoder and vae are offloaded, unet is streamed, decoded in tiles of 256"
    )
    four = choose(plan_request("sd", 12, batch=4)).plan
    assert describe_plan(four, batch=True) == "everything on the device, batches of 4"
