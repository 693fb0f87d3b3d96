"""The tour takes everyone along, and sees what it is there to see."""

from __future__ import annotations

from .tour.reading import english, says
from .tour.stops import Role
from .tour.table import STOPS


def test_each_is_done_for_somebody_and_everybody_goes_somewhere() -> None:
    assert [stop.key for stop in STOPS if not any(map(stop.allows, Role))] == []
    for role in Role:
        assert [stop for stop in STOPS if stop.matters(role)], role


def test_english_is_seen() -> None:
    assert english("已取消。 tiny · DPM++ 2M · `/model use tiny`") == []
    assert english("已 cancelled。\n**the** end") == ["cancelled", "the", "end"]


def test_what_is_said_is_known_by_its_beginning() -> None:
    assert says("任务 7 已经完成了吗？不，已取消。", "Cancelled.", "zh_CN")
    assert not says("Cancelled.", "Cancelled.", "zh_CN")
    assert says("Job 7 is already done.", "Job {number} is", "en")
