"""How the whole engine is doing."""

from pathlib import Path

from engine import open_studio
from tests.engine.builders import engine_settings, model_settings


async def test_an_idle_studio_tells_device_and_plan_of_the_default_model(
    tmp_path: Path, tiny_model: Path
) -> None:
    models = {"tiny": model_settings(tiny_model)}
    async with open_studio(engine_settings(), models, tmp_path / "data") as studio:
        report = await studio.report()
    assert (report.waiting, report.running, report.model) == (0, 0, "tiny")
    assert report.device is not None
    assert report.device.kind == "cpu"
    assert report.plan is not None
    assert report.plan.summary.startswith("everything on the device")
    assert report.problems == ()
    assert (report.tally.jobs, report.tally.failed) == (0, 0)


async def test_a_device_that_is_not_there_is_a_sentence_among_the_rest(
    tmp_path: Path, tiny_model: Path
) -> None:
    models = {"tiny": model_settings(tiny_model)}
    async with open_studio(engine_settings(device="cuda:99"), models, tmp_path / "data") as studio:
        report = await studio.report()
    assert report.device is None
    assert report.plan is None
    assert len(report.problems) == 1
    assert report.model == "tiny"
