"""What Prometheus reads: names, units, labels, and numbers that are true."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from cli.web.meter import MAX_MODELS, OTHER, Meter
from cli.web.sampler import Sampler
from tests.cli.web.conftest import PRIVATE, House
from tests.pages import Page, code, rows

LABELS = {
    "atelier_delivery_failures": "reason",
    "atelier_device_memory_total_bytes": "device",
    "atelier_device_memory_used_bytes": "device",
    "atelier_discord_responses": "status",
    "atelier_disk_used_bytes": "folder",
    "atelier_info": "version",
    "atelier_jobs": "state",
    "atelier_jobs_ended": "outcome",
    "atelier_step_seconds": "model",
    "atelier_web_refused": "reason",
}
"""The metrics with a label."""

MEMORY = "atelier_device_memory_total_bytes{cpu}"


async def metrics(house: House) -> dict[str, float]:
    """Every sample by its name and labels."""
    found = {}
    for family in text_string_to_metric_families((await house.get("/metrics")).text):
        for sample in family.samples:
            labels = ",".join(sample.labels.values())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


async def test_jobs_are_counted_by_what_became_of_them(house: House) -> None:
    await house.painted(count=2, num_inference_steps=4)
    await house.painted(PRIVATE)
    broken = await house.submit(num_inference_steps=150)
    await house.studio.cancel(broken)
    async for _ in house.studio.watch(broken):
        pass
    found = await metrics(house)
    assert found["atelier_jobs_ended_total{painted}"] == 2
    assert found["atelier_jobs_ended_total{cancelled}"] == 1
    assert found["atelier_jobs_ended_total{failed}"] == 0
    assert found["atelier_pictures_painted_total"] == 3
    assert found["atelier_job_wait_seconds_count"] in (2, 3), "one may not have begun"
    assert 0 <= found["atelier_job_wait_seconds_sum"] < 300
    assert 1 <= found["atelier_step_seconds_count{tiny}"] <= 4 + 2 + 150
    assert found["atelier_step_seconds_sum{tiny}"] > 0
    assert found["atelier_jobs{running}"] == found["atelier_jobs{waiting}"] == 0


async def test_what_the_bot_and_the_sampler_know_is_told(house: House) -> None:
    await house.painted()
    sampler = Sampler(CollectorRegistry(), house.studio, house.sources.folder)
    await sampler.sample()
    [memory] = sampler.memory
    assert 0 < memory.used_bytes < memory.total_bytes
    house.app.start()
    try:
        found: dict[str, float] = {}
        async with asyncio.timeout(30):
            while not {"atelier_disk_used_bytes{pictures}", MEMORY} <= found.keys():
                await asyncio.sleep(0.01)
                found = await metrics(house)
        assert found["atelier_disk_used_bytes{pictures}"] > 0
        assert found["atelier_disk_used_bytes{uploads}"] == 0
        assert found[MEMORY] == memory.total_bytes
    finally:
        await house.app.stop()
    assert found["atelier_discord_connected"] == 1
    assert found["atelier_discord_latency_seconds"] == 0.042
    assert found["atelier_discord_responses_total{5xx}"] == 1
    assert found["atelier_discord_rate_limited_total"] == 2
    assert found["atelier_deliveries_total"] == 3
    assert found["atelier_delivery_failures_total{retried}"] == 1
    assert found["atelier_info{1.2.3}"] == 1
    assert found["process_resident_memory_bytes"] > 0


async def test_names_have_units_and_labels_have_few_values(house: House) -> None:
    secret = "a-prompt-nobody-may-read"
    await house.painted(prompt=secret, owner="ada-lovelace")
    await house.get("/", Host="evil.example")
    for accept in ("", "application/openmetrics-text;version=1.0.0"):
        answer = await house.get("/metrics", Accept=accept)
        assert secret not in answer.text
        assert "lovelace" not in answer.text
    text = (await house.get("/metrics")).text
    for family in text_string_to_metric_families(text):
        if family.name.startswith("process_") or family.name.endswith("_created"):
            continue
        assert re.fullmatch(r"atelier_[a-z_]+", family.name)
        assert family.documentation.endswith(".")
        for sample in family.samples:
            labels = sample.labels.keys() - {"le"}
            assert labels <= {LABELS.get(family.name)}, family.name
        if family.type == "histogram":
            assert family.name.endswith("_seconds")


async def test_the_manual_lists_them_all(house: House) -> None:
    table = code(" ".join(row[0] for row in rows(Page(Path("docs/web.md")).section("Metrics"))))
    text = (await house.get("/metrics")).text
    there = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in text_string_to_metric_families(text)
        if family.name.startswith("atelier_") and not family.name.endswith("_created")
    }
    assert table == there


async def test_models_beyond_the_first_fifty_share_a_label(house: House) -> None:
    meter = Meter(CollectorRegistry(), house.studio)
    labels = [meter._label(f"model-{number}") for number in range(MAX_MODELS + 10)]
    assert labels[:2] == ["model-0", "model-1"]
    assert set(labels[MAX_MODELS:]) == {OTHER}
    assert meter._label("model-0") == "model-0"


@pytest.mark.usefixtures("impatient")
async def test_health_says_what_is_not_well(house: House) -> None:
    well = await house.get("/healthz")
    assert (well.status_code, well.json()["status"]) == (200, "ok")
    house.bot.connected = False
    ill = await house.get("/healthz")
    assert ill.status_code == 503
    assert ill.json() == {
        "status": "failing",
        "event_loop": "ok",
        "database": "ok",
        "discord": "failing",
    }
