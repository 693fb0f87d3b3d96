"""What is told of models, in the cases that a small model on a CPU never gets into."""

from __future__ import annotations

from dataclasses import replace

from cogs.models.text import disk_usage_line, measured_line, plan_lines, rung_lines
from engine import DiskUsage, MeasuredSize, PlanTable, Presence
from engine.memory.plan_table import ComponentRow

STREAMED = PlanTable(
    summary="text_encoder is offloaded, unet is streamed",
    components=(
        ComponentRow("unet", "5.1 GB", "in RAM, streamed block by block, 400 MB at a time"),
    ),
    peaks=(("denoising", "1.9 GB"),),
    peak="1.9 GB of 3.5 GB free on a small card",
    slowdown="1.40 ×",
    passed_over=(("everything on the device", "1.00 ×", "needs 7.0 GB to denoise"),),
    problem=None,
    notes=("This VAE decodes in float32.",),
)


def test_a_plan_is_told_in_two_lines_and_a_third_when_it_does_not_fit() -> None:
    assert plan_lines(STREAMED) == [
        "Plan: text_encoder is offloaded, unet is streamed; "
        "takes 1.40 × as long as with everything on the device",
        "Expected peak memory: 1.9 GB of 3.5 GB free on a small card",
    ]
    hopeless = replace(STREAMED, problem="512x512 would fit.")
    assert plan_lines(hopeless)[2:] == ["⚠️ 512x512 would fit."]


def test_the_rungs_say_where_each_part_lives_and_why_nothing_faster() -> None:
    assert rung_lines(STREAMED) == [
        "• unet 5.1 GB: in RAM, streamed block by block, 400 MB at a time",
        "-# Skipped everything on the device (1.00 ×): needs 7.0 GB to denoise",
        "-# This VAE decodes in float32.",
    ]


def test_what_was_measured_is_told_as_far_as_it_was() -> None:
    record = MeasuredSize(
        width=1024, height=768, batch=2, peak_bytes=8_100_000_000, seconds_per_step=0.126
    )
    assert measured_line(record) == (
        "Measured at 1024×768 in batches of 2 · peak 8.1 GB · 0.13 s per step"
    )
    assert measured_line(replace(record, batch=1, peak_bytes=None)) == (
        "Measured at 1024×768 · 0.13 s per step"
    )


def test_what_is_on_disk() -> None:
    assert (
        disk_usage_line(DiskUsage(Presence.PARTIAL, 1_500_000))
        == "Files: partly downloaded, 1.5 MB"
    )
    assert disk_usage_line(DiskUsage(Presence.ABSENT)) == "Files: not downloaded"
